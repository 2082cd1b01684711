/* Jobs of all sizes for the team of threads, every part counted: `team JOBS [fork]`. The exit status is 0, or 1 with
   the line of what went wrong. Last it prints how many parts helpers computed. */
#define _GNU_SOURCE
#include "team/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 5000, INNER = 7, PATIENCE = 30 }; /* seconds until something counts as hanging */

#define NEED(holds) do { if (!(holds)) { fprintf(stderr, "line %d: %s\n", __LINE__, #holds); exit(1); } } while (0)

typedef struct {
    int count[PARTS], inner[PARTS][INNER];  /* how often a part was computed: plain numbers, so that a race shows */
    pthread_t caller;
    int nested;
    size_t turns;                           /* how much a part computes */
    double result[PARTS];
} job;

static atomic_long helped;
static atomic_int stop;

static void inner_part(const void *args, size_t i) { ((int *)args)[i]++; }

static void part(const void *args, size_t i) {
    job *j = (job *)args;
    double x = (double)i;
    for (size_t k = 0; k < j->turns; k++) x = 0.5 * x + 1;
    j->result[i] = x;
    j->count[i]++;
    if (j->nested) NEED(mg_team_share(1 << 20, INNER, inner_part, j->inner[i]) == 0);
    if (!pthread_equal(j->caller, pthread_self())) atomic_fetch_add(&helped, 1);
}

static void run(job *j, size_t parts, size_t work) {
    memset(j->count, 0, sizeof j->count);
    if (j->nested) memset(j->inner, 0, sizeof j->inner);
    j->caller = pthread_self();
    NEED(mg_team_share(work, parts, part, j) == 0);
    for (size_t i = 0; i < PARTS; i++) NEED(j->count[i] == (i < parts));
    for (size_t i = 0; j->nested && i < parts; i++)
        for (size_t k = 0; k < INNER; k++) NEED(j->inner[i][k] == 1);
}

static uint32_t draw(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

/* Jobs of 1 to PARTS parts, small ones more often, and of work for 2 units or for as many as there can be.
   No malloc: AddressSanitizer keeps its lock in a child that is forked while another thread holds it. */
static void many(int jobs, uint32_t seed, int resize) {
    static _Thread_local job mine;
    job *j = &mine;
    for (int n = 0; n < jobs; n++) {
        if (resize && n % 89 == 0) mg_team_resize(1 + (int)(draw(&seed) >> 8) % 8);
        const size_t most = n % 50 == 0 ? PARTS : n % 5 == 0 ? 300 : 20, parts = 1 + (draw(&seed) >> 8) % most;
        j->nested = n % 40 == 0;
        j->turns = draw(&seed) >> 8 & 127;
        run(j, parts, (size_t)1 << (16 + (draw(&seed) >> 8) % 8));
    }
}

static void *call(void *jobs) {
    many(*(int *)jobs, 1, 0);
    return NULL;
}

static void *call_until_stop(void *unused) {
    while (!atomic_load(&stop)) many(20, 2, 0);
    return unused;
}

static void *resize_until_stop(void *unused) {
    for (int n = 0; !atomic_load(&stop); n++) mg_team_resize(1 + n % 5);
    return unused;
}

/* As many callers as can be at the same moment: their jobs do next to nothing. */
static void *call_at_once(void *jobs) {
    for (int n = 0; n < *(int *)jobs; n++) {
        int count[2] = {0, 0};
        NEED(mg_team_share(1 << 16, 2, inner_part, count) == 0);
        NEED(count[0] == 1 && count[1] == 1);
    }
    return NULL;
}

static void callers_at_once(int jobs) {
    pthread_t other[3];
    for (int i = 0; i < 3; i++) NEED(pthread_create(&other[i], NULL, call_at_once, &jobs) == 0);
    for (int i = 0; i < 3; i++) pthread_join(other[i], NULL);
}

static void two_callers_and_resizing(int jobs) {
    pthread_t other, third;
    NEED(pthread_create(&other, NULL, call, &jobs) == 0 && pthread_create(&third, NULL, resize_until_stop, NULL) == 0);
    many(jobs, 3, 0);
    pthread_join(other, NULL);
    atomic_store(&stop, 1);
    pthread_join(third, NULL);
    atomic_store(&stop, 0);
}

/* Children of a process whose other thread is inside a job have a team of their own. */
static void forks(void) {
    pthread_t other;
    mg_team_resize(3);
    many(10, 4, 0);
    NEED(pthread_create(&other, NULL, call_until_stop, NULL) == 0);
    for (int n = 0; n < 20; n++) {
        const pid_t child = fork();
        int status;
        NEED(child >= 0);
        if (child == 0) {
            alarm(PATIENCE);
            if (mg_team_helpers() != 0) _exit(2);
            many(100, 5, 0);
            mg_team_resize(2);
            many(100, 6, 0);
            _exit(mg_team_helpers() > 0 ? 0 : 3);
        }
        NEED(waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&stop, 1);
    pthread_join(other, NULL);
    atomic_store(&stop, 0);
}

static void no_thread_is_left(void) {
    mg_team_resize(1);
    for (time_t end = time(NULL) + PATIENCE; mg_team_helpers() > 0;) NEED(time(NULL) < end);
}

int main(int argc, char **argv) {
    const int jobs = atoi(argv[1]);
    alarm(10 * PATIENCE);
    NEED(mg_team_members() == 1);
    many(10, 7, 0);
    NEED(mg_team_helpers() == 0);
    mg_team_resize(3);
    many(jobs / 2, 8, 0);
    NEED(mg_team_helpers() == 2 && mg_team_members() == 3);
    many(jobs / 4, 9, 1);
    two_callers_and_resizing(jobs / 8);
    mg_team_resize(2);
    callers_at_once(2 * jobs);
    if (argc > 2) forks();
    no_thread_is_left();
    printf("helped %ld\n", atomic_load(&helped));
    return 0;
}
