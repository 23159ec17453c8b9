/* NVTX: ranges and marks for a profiler. There is none: every call does nothing. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#define NVTX_VERSION 3
#define NVTX_EVENT_ATTRIB_STRUCT_SIZE ((uint16_t)sizeof(nvtxEventAttributes_t))

typedef uint64_t nvtxRangeId_t;
typedef struct nvtxDomainHandle *nvtxDomainHandle_t;
typedef struct nvtxStringHandle *nvtxStringHandle_t;
typedef enum nvtxColorType_t { NVTX_COLOR_UNKNOWN = 0, NVTX_COLOR_ARGB = 1 } nvtxColorType_t;
typedef enum nvtxMessageType_t {
  NVTX_MESSAGE_UNKNOWN = 0,
  NVTX_MESSAGE_TYPE_ASCII = 1,
  NVTX_MESSAGE_TYPE_UNICODE = 2,
  NVTX_MESSAGE_TYPE_REGISTERED = 3
} nvtxMessageType_t;
typedef enum nvtxPayloadType_t {
  NVTX_PAYLOAD_UNKNOWN = 0,
  NVTX_PAYLOAD_TYPE_UNSIGNED_INT64 = 1,
  NVTX_PAYLOAD_TYPE_INT64 = 2,
  NVTX_PAYLOAD_TYPE_DOUBLE = 3,
  NVTX_PAYLOAD_TYPE_UNSIGNED_INT32 = 4,
  NVTX_PAYLOAD_TYPE_INT32 = 5,
  NVTX_PAYLOAD_TYPE_FLOAT = 6
} nvtxPayloadType_t;
typedef union nvtxMessageValue_t {
  const char *ascii;
  const wchar_t *unicode;
  nvtxStringHandle_t registered;
} nvtxMessageValue_t;
typedef struct nvtxEventAttributes_t {
  uint16_t version, size;
  uint32_t category;
  int32_t colorType;
  uint32_t color;
  int32_t payloadType, reserved0;
  union {
    uint64_t ullValue;
    int64_t llValue;
    double dValue;
    uint32_t uiValue;
    int32_t iValue;
    float fValue;
  } payload;
  int32_t messageType;
  nvtxMessageValue_t message;
} nvtxEventAttributes_t;

static __inline__ void nvtxMarkA(const char *message) { (void)message; }
static __inline__ void nvtxMark(const char *message) { (void)message; }
static __inline__ void nvtxMarkEx(const nvtxEventAttributes_t *event) { (void)event; }
static __inline__ int nvtxRangePushA(const char *message) { return (void)message, 0; }
static __inline__ int nvtxRangePush(const char *message) { return (void)message, 0; }
static __inline__ int nvtxRangePushEx(const nvtxEventAttributes_t *event) {
  return (void)event, 0;
}
static __inline__ int nvtxRangePop(void) { return 0; }
static __inline__ nvtxRangeId_t nvtxRangeStartA(const char *message) { return (void)message, 0; }
static __inline__ nvtxRangeId_t nvtxRangeStart(const char *message) { return (void)message, 0; }
static __inline__ nvtxRangeId_t nvtxRangeStartEx(const nvtxEventAttributes_t *event) {
  return (void)event, 0;
}
static __inline__ void nvtxRangeEnd(nvtxRangeId_t id) { (void)id; }
static __inline__ nvtxDomainHandle_t nvtxDomainCreateA(const char *name) {
  return (void)name, (nvtxDomainHandle_t)0;
}
static __inline__ void nvtxDomainDestroy(nvtxDomainHandle_t domain) { (void)domain; }
static __inline__ int nvtxDomainRangePushEx(nvtxDomainHandle_t domain,
                                            const nvtxEventAttributes_t *event) {
  return (void)domain, (void)event, 0;
}
static __inline__ int nvtxDomainRangePop(nvtxDomainHandle_t domain) { return (void)domain, 0; }
static __inline__ void nvtxNameOsThreadA(uint32_t id, const char *name) {
  (void)id, (void)name;
}
static __inline__ void nvtxNameCategoryA(uint32_t id, const char *name) {
  (void)id, (void)name;
}
