/* The runtime area: what device code and the runtime share (address in special register 28).

   Printing: device code reserves room with an atomic add on ring_head and writes records from
   ring_base on. The runtime reads them in order when the device is idle, from offset 0 until
   ring_head, the capacity, or a record of 0 bytes (the place where a record no longer fitted),
   then sets ring_head to 0. Records that do not fit are counted in ring_lost.

   Heap: blocks are powers of two, so the runtime sets heap_bytes to at least twice the limit
   that the program asked for. Both memories are device memory; heap memory starts zeroed or not.
   The area itself must start as zeroes, then the runtime fills in the base and size fields. */
#pragma once
#include <stdint.h>

#define WF_AREA_HEAP_CLASSES 48

typedef struct WfArea {
  uint64_t ring_base;  /*  0 device address, aligned to 16 */
  uint64_t ring_bytes; /*  8 capacity */
  uint64_t ring_head;  /* 16 bytes asked for since the last reading; may exceed the capacity */
  uint64_t ring_lost;  /* 24 records that found no room */
  uint64_t heap_base;  /* 32 device address, aligned to 16 */
  uint64_t heap_bytes; /* 40 */
  uint64_t heap_top;   /* 48 bytes handed out from the untouched part; starts at 0 */
  uint64_t reserved;   /* 56 */
  uint64_t heap_free[WF_AREA_HEAP_CLASSES]; /* 64 freed blocks of 1 << class bytes: a change
                                               counter in bits 40 to 63, offset / 16 + 1 below */
} WfArea;

enum WfRecordKind {
  WF_RECORD_PRINTF = 1, /* words: address of the format, then one word an argument: integers
                           extended to 64 bits, floating point as double, pointers and strings as
                           device addresses */
  WF_RECORD_ASSERT = 2  /* words: addresses of expression, file, function; line;
                           blockIdx.x | y << 32; blockIdx.z | threadIdx.x << 32;
                           threadIdx.y | z << 32 */
};

typedef struct WfRecord {
  uint32_t bytes; /* of the whole record, a multiple of 8; 0 ends the ring */
  uint32_t kind;
  uint64_t words[];
} WfRecord;
