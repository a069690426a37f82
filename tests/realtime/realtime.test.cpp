// SPDX-License-Identifier: MIT
// Shows that `predict` of one sample on `cpu_single` is real-time safe from the first call on: it allocates and releases no memory, takes
// no lock, and makes no system call. Memory and locks are counted by functions of this program that stand before those of the C library.
// System calls are forbidden by the kernel: a process that made one would be killed.
#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <typenet/typenet.hpp>

// A sanitizer stands before the same functions, and makes system calls of its own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TYPENET_COUNTS_CALLS 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#undef TYPENET_COUNTS_CALLS
#endif
#endif
#endif

#if defined(TYPENET_COUNTS_CALLS)

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// Calls of the thread that counts, since `start_counting`.
struct call_counts {
  long memory = 0;
  long locks = 0;
};
thread_local constinit call_counts counts;

/// The function of this name that stands behind the program's own.
template <class Function>
Function* behind(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

// The C library's memory functions under its own names: dlsym itself allocates.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* p, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* p);

void* malloc(std::size_t size) {
  ++counts.memory;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++counts.memory;
  return __libc_calloc(count, size);
}
void* realloc(void* p, std::size_t size) {
  ++counts.memory;
  return __libc_realloc(p, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++counts.memory;
  return __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  ++counts.memory;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t size) {
  ++counts.memory;
  *p = __libc_memalign(alignment, size);
  return *p == nullptr;
}
void free(void* p) {
  ++counts.memory;
  __libc_free(p);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  static int (*const next)(pthread_mutex_t*) = behind<int(pthread_mutex_t*)>("pthread_mutex_lock");
  ++counts.locks;
  return next(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  static int (*const next)(pthread_mutex_t*) = behind<int(pthread_mutex_t*)>("pthread_mutex_trylock");
  ++counts.locks;
  return next(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  static int (*const next)(pthread_rwlock_t*) = behind<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  ++counts.locks;
  return next(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  static int (*const next)(pthread_rwlock_t*) = behind<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  ++counts.locks;
  return next(lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) {
  static int (*const next)(pthread_spinlock_t*) = behind<int(pthread_spinlock_t*)>("pthread_spin_lock");
  ++counts.locks;
  return next(lock);
}
int pthread_once(pthread_once_t* once, void (*function)()) {
  static int (*const next)(pthread_once_t*, void (*)()) = behind<int(pthread_once_t*, void (*)())>("pthread_once");
  ++counts.locks;
  return next(once, function);
}
int sem_wait(sem_t* semaphore) {
  static int (*const next)(sem_t*) = behind<int(sem_t*)>("sem_wait");
  ++counts.locks;
  return next(semaphore);
}
}

namespace tn = typenet;

namespace {

// Every kind of layer that a network for one sample at a time may have.
using network = tn::network<tn::input<1, 12, 12>, tn::conv2d<6, 3, tn::padding<1>>, tn::batch_norm<>, tn::relu,
                            tn::residual<tn::conv2d<6, 1>, tn::group_norm<2>>, tn::concat<tn::max_pool2d<2>, tn::avg_pool2d<2>>, tn::gelu,
                            tn::flatten, tn::dropout<0.1>, tn::linear<20>, tn::tanh, tn::linear<20>, tn::sigmoid, tn::gaussian_rbf<10>>;
using model = tn::model<network, tn::cpu_single>;

std::vector<float> input(float value) { return std::vector<float>(144, value); }

/// Forbids every system call of this process except its end.
/// @returns true where the kernel does that
bool forbid_system_calls() {
  std::array<sock_filter, 4> program{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL)}};
  const sock_fprog filter{program.size(), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr int no_filter = 77;

/// Runs `f` in a process that may make no system call.
/// @returns its status as of `waitpid`; `no_filter` as its exit status where the kernel cannot forbid them
template <class F>
int without_system_calls(const F& f) {
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    f(forbid_system_calls);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("the counters count") {
  call_counts before = counts;
  ::operator delete(::operator new(sizeof(int)));
  std::free(std::malloc(1));
  CHECK(counts.memory >= before.memory + 4);
  before = counts;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  CHECK(counts.locks == before.locks + 1);
}

TEST_CASE("predict touches no memory manager and no lock from the first call on") {
  model m{tn::seed{1}};
  const std::vector<float> one = input(0.5f), other = input(-3);
  float sum = 0;
  const call_counts before = counts;
  for (int i = 0; i < 100; ++i) {
    sum += m.predict(one)[0];
    sum += m.predict(other)[3];
  }
  const call_counts after = counts;
  CHECK(sum == sum);
  CHECK(after.memory == before.memory);
  CHECK(after.locks == before.locks);
}

TEST_CASE("predict makes no system call from the first call on") {
  // A process that makes one is killed, so that the proof can fail.
  const int caught = without_system_calls([](const auto& forbid) {
    if (!forbid()) _exit(no_filter);
    getppid();
  });
  if (WIFEXITED(caught) && WEXITSTATUS(caught) == no_filter) {
    MESSAGE("left out: the kernel does not forbid system calls to a process of this user");
    return;
  }
  CHECK(WIFSIGNALED(caught));
  CHECK(WTERMSIG(caught) == SIGSYS);

  const int predicted = without_system_calls([](const auto& forbid) {
    model m{tn::seed{1}};
    const std::vector<float> one = input(0.5f), other = input(-3);
    float sum = 0;
    if (!forbid()) _exit(no_filter);
    for (int i = 0; i < 1000; ++i) {
      sum += m.predict(one)[0];
      sum += m.predict(other)[3];
    }
    _exit(sum == sum ? 0 : 1);
  });
  CHECK(WIFEXITED(predicted));
  CHECK(WEXITSTATUS(predicted) == 0);
}

#endif
