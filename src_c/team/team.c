/* A job is divided into units, each a run of parts. One 64-bit word counts the units of the job, and those that were
   claimed: the caller claims from the front, helpers from the back, so that from job to job a thread finds in its own
   cache what it wrote before. The caller claims units until none is left, and then waits only for units that helpers
   have claimed. A helper that comes too late delays nothing.

   If other processes need the processors, the system may suspend a helper in the middle of a unit, and the caller then
   waits for a time slice, thousands of times as long as a job. Four rules make that rare:

   - Distrust. After a wait that is too long the caller computes alone for a multiple of that wait. The multiple is
     doubled if the next long wait comes soon after that time (trust did not last), and halved if not.
   - A helper on the caller's processor computes nothing, because it would only delay the caller.
   - A helper spins for SPIN ns, in which most next jobs come, and then sleeps.
   - Waking a helper takes the caller microseconds, so it wakes one for each WAKE_WORK of work that was done while
     helpers slept. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getcpu, pthread_setname_np */
#endif
#include "team/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
    SPIN = 100000,          /* ns that an idle helper looks for the next job before it sleeps */
    PATIENCE = 20000,       /* ns beyond 1.5 times the time of a unit that the caller waits without distrust */
    ASIDE = 100000,         /* ns: a helper on the caller's processor counts as a wait of this length */
    LONGEST = 8000000,      /* ns: longer waits count as this much */
    LEAST = 2, MOST = 64,   /* the multiple of the wait for which the caller computes alone */
    LASTS = 16,             /* trust has lasted if it was this many times as long as the distrust before it */
    UNIT_WORK = 8192,       /* the least work of a unit: 0.5 us */
    UNITS = 16,             /* units for each member, at most */
    WAKE_WORK = 1 << 21,    /* so much work is worth waking a helper: it takes 130 us, and waking takes 2 to 10 us */
    STACK = 2 << 20,        /* bytes of a helper's stack; the system's choice may be 128 KiB or 8 MiB */
    MEMBERS = 1024,         /* at most: UNITS * MEMBERS can be counted in 16 bits */
    PAUSES = 64,            /* pauses of a spinning helper between two looks at the clock */
    YIELD = 256,            /* pauses of a waiting caller before it offers its processor */
    LINE = 128              /* bytes that processors exchange at a time: two cache lines, or one of 128 bytes */
};

/* The word: a number of the job, its units, those that helpers claimed, those that the caller claimed; 16 bits each. */
enum { FRONT = 0, BACK = 16, ALL = 32, JOB = 48 };
enum { NONE = 1 << 16 }; /* the number of no job */

static inline uint64_t field(uint64_t word, int at) { return word >> at & 0xffff; }
static inline bool is_open(uint64_t word) { return field(word, FRONT) + field(word, BACK) < field(word, ALL); }

static struct {
    _Alignas(LINE) _Atomic uint64_t word;
    _Alignas(LINE) _Atomic uint64_t reported; /* units that helpers have computed */
    _Alignas(LINE) mg_part part;              /* the job: read after a claim, written when all claims were reported */
    const void *args;
    size_t parts, units;
    _Atomic int processor;                    /* the caller's, or -1 */
    _Alignas(LINE) atomic_int busy;           /* whether there is a caller; only it uses the fields up to `owed` */
    uint64_t trusted_from, distrust, multiple; /* ns: when trust begins, how long the last distrust was */
    size_t owed;                              /* work done while helpers slept */
    _Alignas(LINE) atomic_int asleep, aside;  /* helpers that sleep; whether one was on the caller's processor */
    atomic_int alive, wanted;                 /* helpers; written with the lock */
    bool watches_forks;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .multiple = LEAST};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int my_processor(void) {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1; /* unknown */
#endif
}

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

static inline uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t most(uint64_t a, uint64_t b) { return a < b ? b : a; }

/* ---- claims ---- */

/* Claims a unit at one end. The exchange fails if the word has changed, so only units of the present job are claimed.
   */
static bool claim(int end, size_t *unit) {
    uint64_t word = atomic_load_explicit(&team.word, memory_order_acquire);
    while (is_open(word)) {
        const uint64_t next = word + ((uint64_t)1 << end);
        if (atomic_compare_exchange_weak_explicit(&team.word, &word, next, memory_order_acq_rel, memory_order_acquire)) {
            *unit = end == FRONT ? field(word, FRONT) : field(word, ALL) - 1 - field(word, BACK);
            return true;
        }
    }
    return false;
}

static void compute(size_t unit) {
    const size_t whole = team.parts / team.units, rest_of = team.parts % team.units; /* the first units have one more */
    const size_t first = unit * whole + least(unit, rest_of), last = first + whole + (unit < rest_of);
    for (size_t i = first; i < last; i++) team.part(team.args, i);
}

/* ---- helpers ---- */

static bool is_surplus(void) {
    return atomic_load_explicit(&team.alive, memory_order_relaxed) >
           atomic_load_explicit(&team.wanted, memory_order_relaxed);
}

static bool leave(void) {
    pthread_mutex_lock(&team.lock);
    const bool surplus = is_surplus();
    if (surplus) atomic_fetch_sub(&team.alive, 1);
    pthread_mutex_unlock(&team.lock);
    return surplus;
}

/* Sleeps until a job other than number `past` is open, or the team becomes smaller. */
static void sleep_until_job(uint64_t past) {
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.asleep, 1);
    for (;;) {
        const uint64_t word = atomic_load(&team.word);
        if (is_surplus() || (is_open(word) && field(word, JOB) != past)) break;
        pthread_cond_wait(&team.wake, &team.lock);
    }
    atomic_fetch_sub(&team.asleep, 1);
    pthread_mutex_unlock(&team.lock);
}

static bool is_beside_caller(void) {
    const int mine = my_processor();
    return mine >= 0 && mine == atomic_load_explicit(&team.processor, memory_order_relaxed);
}

static void *help(void *unused) {
    (void)unused;
    uint64_t since = now();
    for (unsigned turns = 1;; turns++) {
        const uint64_t word = atomic_load_explicit(&team.word, memory_order_relaxed);
        size_t unit;
        if (is_surplus()) {
            if (leave()) return NULL;
        } else if (is_open(word) && is_beside_caller()) {
            sched_yield();
            if (is_beside_caller()) {
                atomic_store_explicit(&team.aside, 1, memory_order_relaxed);
                sleep_until_job(field(word, JOB));
            }
            since = now();
        } else if (is_open(word) && claim(BACK, &unit)) {
            do {
                compute(unit);
                atomic_fetch_add_explicit(&team.reported, 1, memory_order_release);
            } while (claim(BACK, &unit));
            since = now();
        } else if (turns % PAUSES == 0 && now() - since > SPIN) {
            sleep_until_job(NONE);
            since = now();
        } else {
            rest();
        }
    }
}

/* In a forked child the helpers do not exist, because they are threads of the parent, nor does a thread that was
   calling the team during the fork. */
static void begin_anew(void) {
    pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.wake, NULL);
    atomic_store(&team.word, 0);
    atomic_store(&team.reported, 0);
    atomic_store(&team.busy, 0);
    atomic_store(&team.asleep, 0);
    atomic_store(&team.aside, 0);
    atomic_store(&team.alive, 0);
    team.trusted_from = team.distrust = team.owed = 0;
    team.multiple = LEAST;
}

/* Starts a helper. It blocks all signals but those of its own faults, so that the threads of the program get them. */
static bool start_helper(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes)) return false;
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    for (const int *s = (const int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, 0}; *s; s++) sigdelset(&all, *s);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&thread, &attributes, help, NULL) == 0;
#ifdef __GLIBC__
    if (started) pthread_setname_np(thread, "minigrad");
#endif
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* Starts the helpers that are missing. If the system refuses one, the team keeps the size that it has. */
static int hire(void) {
    int refused = 0;
    pthread_mutex_lock(&team.lock);
    if (!team.watches_forks) team.watches_forks = pthread_atfork(NULL, NULL, begin_anew) == 0;
    while (!refused && atomic_load(&team.alive) < atomic_load(&team.wanted)) {
        atomic_fetch_add(&team.alive, 1); /* before the helper starts, because it reads `alive` */
        if (!start_helper()) {
            atomic_fetch_sub(&team.alive, 1);
            refused = -1;
        }
    }
    if (refused) atomic_store(&team.wanted, atomic_load(&team.alive));
    pthread_mutex_unlock(&team.lock);
    return refused;
}

/* ---- the caller ---- */

/* `lost` ns were lost at `time`: compute alone for a multiple of them. */
static void distrust(uint64_t time, uint64_t lost) {
    const bool lasted = time - team.trusted_from >= LASTS * team.distrust;
    team.multiple = lasted ? most(LEAST, team.multiple / 2) : least(MOST, 2 * team.multiple);
    team.distrust = least(lost, LONGEST) * team.multiple;
    team.trusted_from = time + team.distrust;
}

/* Wakes sleeping helpers, one for each WAKE_WORK of work done since they fell asleep. */
static void wake_for(size_t work, size_t units) {
    int asleep = atomic_load(&team.asleep);
    if (asleep == 0) {
        team.owed = 0;
        return;
    }
    team.owed += work;
    /* Without the lock: a helper that is about to sleep may miss the signal, but no thread waits for a helper that has
       not claimed a unit. */
    for (; asleep > 0 && units > 1 && team.owed >= WAKE_WORK; asleep--, units--) {
        team.owed -= WAKE_WORK;
        pthread_cond_signal(&team.wake);
    }
    if (asleep == 0) team.owed = 0;
}

static void wait_for_helpers(uint64_t claimed) {
    for (unsigned turns = 1; atomic_load_explicit(&team.reported, memory_order_acquire) != claimed; turns++) {
        if (turns % YIELD == 0) sched_yield(); /* a helper may need this very processor */
        else rest();
    }
}

/* Computes the job with the helpers that come in time; `begin` is the present time. */
static void together(size_t work, size_t parts, mg_part part, const void *args, uint64_t begin) {
    const uint64_t members = (uint64_t)atomic_load_explicit(&team.alive, memory_order_relaxed) + 1;
    const uint64_t units = least(parts, least(UNITS * members, most(members, work / UNIT_WORK)));
    const uint64_t number = field(atomic_load_explicit(&team.word, memory_order_relaxed), JOB) + 1;
    size_t unit, own = 0;
    team.part = part, team.args = args, team.parts = parts, team.units = units;
    atomic_store_explicit(&team.processor, my_processor(), memory_order_relaxed);
    atomic_store_explicit(&team.reported, 0, memory_order_relaxed);
    atomic_store(&team.word, number << JOB | units << ALL);
    wake_for(work, units);
    for (; claim(FRONT, &unit); own++) compute(unit);
    const uint64_t claimed = units - own;
    if (atomic_load_explicit(&team.reported, memory_order_acquire) == claimed) return;
    const uint64_t end = now();
    wait_for_helpers(claimed);
    const uint64_t time = now();
    if (time - end > PATIENCE + 3 * (end - begin) / (2 * most(1, own))) distrust(time, time - end);
}

static void alone(size_t parts, mg_part part, const void *args) {
    for (size_t i = 0; i < parts; i++) part(args, i);
}

int mg_team_share(size_t work, size_t parts, mg_part part, const void *args) {
    int refused = 0;
    /* A second caller, or a part that calls the team itself, finds it busy. */
    if (atomic_load_explicit(&team.busy, memory_order_relaxed) ||
        atomic_exchange_explicit(&team.busy, 1, memory_order_acquire)) {
        alone(parts, part, args);
        return 0;
    }
    if (atomic_load_explicit(&team.alive, memory_order_relaxed) <
        atomic_load_explicit(&team.wanted, memory_order_relaxed))
        refused = hire();
    const uint64_t begin = now();
    if (begin >= team.trusted_from && atomic_load_explicit(&team.aside, memory_order_relaxed)) {
        atomic_store_explicit(&team.aside, 0, memory_order_relaxed);
        distrust(begin, ASIDE);
    }
    if (begin < team.trusted_from || atomic_load_explicit(&team.alive, memory_order_relaxed) == 0)
        alone(parts, part, args);
    else
        together(work, parts, part, args, begin);
    atomic_store_explicit(&team.busy, 0, memory_order_release);
    return refused;
}

void mg_team_resize(int members) {
    pthread_mutex_lock(&team.lock);
    atomic_store(&team.wanted, (int)least((uint64_t)members, MEMBERS) - 1);
    pthread_cond_broadcast(&team.wake);
    pthread_mutex_unlock(&team.lock);
}

int mg_team_members(void) { return atomic_load(&team.wanted) + 1; }

int mg_team_helpers(void) { return atomic_load(&team.alive); }
