/* OpenMP's functions for host code, which runs parallel regions on one thread. */
#pragma once
#include <stddef.h>
#include <time.h>

typedef enum omp_sched_t {
  omp_sched_static = 1,
  omp_sched_dynamic = 2,
  omp_sched_guided = 3,
  omp_sched_auto = 4
} omp_sched_t;
typedef struct omp_lock_t {
  void *held;
} omp_lock_t;
typedef struct omp_nest_lock_t {
  void *held;
} omp_nest_lock_t;

#if defined(__cplusplus)
extern "C" {
#endif

#define __WF_OMP(signature, serial) static __inline__ __attribute__((unused)) signature serial
__WF_OMP(int omp_get_thread_num(void), { return 0; })
__WF_OMP(int omp_get_num_threads(void), { return 1; })
__WF_OMP(int omp_get_max_threads(void), { return 1; })
__WF_OMP(int omp_get_num_procs(void), { return 1; })
__WF_OMP(int omp_in_parallel(void), { return 0; })
__WF_OMP(int omp_get_dynamic(void), { return 0; })
__WF_OMP(int omp_get_nested(void), { return 0; })
__WF_OMP(int omp_get_level(void), { return 0; })
__WF_OMP(int omp_get_thread_limit(void), { return 1; })
__WF_OMP(int omp_get_num_devices(void), { return 0; })
__WF_OMP(int omp_get_initial_device(void), { return 0; })
__WF_OMP(int omp_is_initial_device(void), { return 1; })
__WF_OMP(void omp_set_num_threads(int count), { (void)count; })
__WF_OMP(void omp_set_dynamic(int on), { (void)on; })
__WF_OMP(void omp_set_nested(int on), { (void)on; })
__WF_OMP(void omp_set_schedule(omp_sched_t kind, int chunk), { (void)kind; (void)chunk; })
__WF_OMP(void omp_init_lock(omp_lock_t *lock), { lock->held = NULL; })
__WF_OMP(void omp_destroy_lock(omp_lock_t *lock), { (void)lock; })
__WF_OMP(void omp_set_lock(omp_lock_t *lock), { lock->held = lock; })
__WF_OMP(void omp_unset_lock(omp_lock_t *lock), { lock->held = NULL; })
__WF_OMP(int omp_test_lock(omp_lock_t *lock), { return lock->held ? 0 : (lock->held = lock, 1); })
__WF_OMP(double omp_get_wtick(void), { return 1e-9; })
__WF_OMP(double omp_get_wtime(void), {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
})
#undef __WF_OMP

#if defined(__cplusplus)
}
#endif
