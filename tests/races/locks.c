/* What ThreadSanitizer does not see of std's locks.
 *
 * A lock that is free is taken by code that is inlined into ours, and seen. One that is held is waited for in std,
 * whose code is compiled without the detector: it would take what is done under such a lock for a race. So the
 * linker puts these functions in front of std's (`--wrap`), which do as std does and then tell the detector that
 * what was done under the lock before came before.
 *
 * Nothing is said that is not so: the lock is held when it is told. tsan.sh defines the names, which have a
 * hash of std in them. */

#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define JOIN(a, b) a##b
#define NAME(prefix, symbol) JOIN(prefix, symbol)
#define WAITS(symbol)                                  \
    void NAME(__real_, symbol)(void *lock);            \
    void NAME(__wrap_, symbol)(void *lock) {           \
        NAME(__real_, symbol)(lock);                   \
        __tsan_acquire(lock);                          \
    }

WAITS(MUTEX_LOCK)
WAITS(RWLOCK_READ)
WAITS(RWLOCK_WRITE)

/* `Condvar::wait(&self, &Mutex)` gives the lock away and takes it again, both inside of std. */
void NAME(__real_, CONDVAR_WAIT)(void *condvar, void *lock);
void NAME(__wrap_, CONDVAR_WAIT)(void *condvar, void *lock) {
    __tsan_release(lock);
    NAME(__real_, CONDVAR_WAIT)(condvar, lock);
    __tsan_acquire(lock);
}

/* The last owner of an `Arc` puts a fence behind its decrement, which the detector does not know: it takes
 * decrements that only release for such that acquire too. Of std's and our code only `Arc` and `Weak` have them. */
enum { RELEASE = 3, ACQ_REL = 4 };
uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *place, uint64_t by, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *place, uint64_t by, int order) {
    return __real___tsan_atomic64_fetch_sub(place, by, order == RELEASE ? ACQ_REL : order);
}

/* `Once::call(&self, ignores_poison, &mut dyn FnMut(&OnceState))`: what the closure does comes before whatever is
 * done by those who find the cell full, who only look at its state. So the closure is put into another one, which
 * tells it before std says that the cell is full. */
struct closure {
    void *data;
    void **methods; /* drop, size, alignment, call_once, call_mut */
    void *once;
};

enum { CALL_MUT = 4 };

static void call_mut(struct closure *closure, void *state) {
    ((void (*)(void *, void *))closure->methods[CALL_MUT])(closure->data, state);
    __tsan_release(closure->once);
}

static const void *const methods[] = {0, (void *)sizeof(struct closure), (void *)_Alignof(struct closure), 0,
                                      (void *)call_mut};

void NAME(__real_, ONCE_CALL)(void *once, _Bool ignores_poison, void *data, const void *methods);
void NAME(__wrap_, ONCE_CALL)(void *once, _Bool ignores_poison, void *data, void **given) {
    struct closure closure = {data, given, once};
    NAME(__real_, ONCE_CALL)(once, ignores_poison, &closure, methods);
    __tsan_acquire(once);
}
