/* OpenMP's parallel regions on plain threads. ThreadSanitizer sees pthread_create, pthread_join and barriers, but not
   the futexes of libgomp, which it takes for races. Preloaded, these functions stand in for libgomp's: what the modules
   do between them is then really checked. Only what gcc makes of Cython's prange with schedule="static". */
#define _POSIX_C_SOURCE 200112L
#include <pthread.h>
#include <stdlib.h>

typedef struct {
    void (*body)(void *);
    void *data;
    int number, size;
    pthread_barrier_t *barrier;
} member;

static _Thread_local member self = {.size = 1};

static void *start(void *m) {
    self = *(member *)m;
    self.body(self.data);
    return NULL;
}

void GOMP_parallel(void (*body)(void *), void *data, unsigned size, unsigned flags) {
    enum { MOST = 64 };
    (void)flags;
    if (size < 1 || size > MOST) abort();
    const member before = self;
    member team[MOST];
    pthread_t thread[MOST];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, size);
    for (int i = 0; i < (int)size; i++) team[i] = (member){body, data, i, (int)size, &barrier};
    for (int i = 1; i < (int)size; i++)
        if (pthread_create(&thread[i], NULL, start, &team[i])) abort();
    start(&team[0]);
    for (int i = 1; i < (int)size; i++) pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&barrier);
    self = before;
}

void GOMP_barrier(void) { if (self.barrier) pthread_barrier_wait(self.barrier); }
int omp_get_thread_num(void) { return self.number; }
int omp_get_num_threads(void) { return self.size; }
