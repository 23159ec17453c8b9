/* Request-level simulation of serving replicas, the fast path.
 *
 * The same decisions as warpfive/engine/scheduler.py, in the same order, on arrays. Time is in
 * integer picoseconds, so sums over a stretch of decode steps are exact and the results equal the
 * plain loop's. A stretch is a run of steps in which every running sequence decodes and nobody
 * arrives, is admitted, finishes or loses its blocks; all but its last step are summed at once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t i64;
typedef int32_t i32;
typedef uint8_t u8;

#define NEVER INT64_MAX
#define UNCACHED (-1)

enum { ROUND_ROBIN = 0, LEAST_LOADED = 1, PREFIX_AWARE = 2 };

/* One replica class: limits of the engine and its step times. */
typedef struct {
    i64 kv_blocks, block_tokens, max_seqs, max_tokens;
    i64 chunked, prefix_cache, is_static, watermark_blocks;
    const i64 *decode_ps; /* by sequences; max_seqs + 1 entries */
    const i64 *mixed_ps;  /* by tokens; mixed_len entries, then tail_ps a token */
    const i64 *seat_ps;   /* by sequences that decode in a mixed step */
    i64 mixed_len, tail_ps, pair_fs, context_ps;
} Class;

/* The workload and what becomes of it, one entry a request, sorted by arrival. */
typedef struct {
    i64 count;
    i64 *arrival_ps; /* written in a closed loop, where an arrival follows a finish */
    const i64 *rank, *hash_at;
    const i32 *prompt, *output, *ready, *priority, *hash;
    i64 hash_ids;
    i64 *first_ps, *finish_ps;
    i32 *computed, *made; /* of requests without a seat; a seat keeps its own */
    i32 *hit, *preempted, *replica;
    u8 *owned; /* one entry a hashed block: it is the cached copy */
} Work;

typedef struct {
    i32 seat, start, count;
} Slice;

/* The running sequences in order of service, one entry a seat in each column. */
typedef struct {
    i32 *id;
    i32 *computed; /* tokens whose KV is there */
    i32 *left;     /* output tokens still to come */
    i32 *room;     /* tokens that the blocks held can take */
    i64 count;
    i64 decoders; /* leading seats that are past their prompt and one token behind */
} Seats;

typedef struct {
    const Class *class_;
    Work *work;
    i64 now, end;
    i32 in_step;
    Seats seats;
    i64 bulk; /* leading seats that decode in this step; the others' slices are listed */
    i64 sliced, queued, queue_room;
    i32 *queue;
    Slice *slices;
    /* blocks: free ones are only counted; cached ones are known by their hash id */
    i64 free_, idle;
    i32 *uses, *prev, *next; /* the idle list: oldest at next[hash_ids], newest at prev[hash_ids] */
    i64 outstanding, outstanding_tokens;
    i64 next_client; /* closed loop: the request that follows a finished one, or -1 */
    i64 stride;      /* requests from one to the next of this replica's clients */
    i64 steps, busy_ps, peak_blocks, tokens, preemptions;
} Replica;

static i64 blocks_for(i64 tokens, i64 size) { return (tokens + size - 1) / size; }
static i64 available(const Replica *r) { return r->free_ + r->idle; }
static i32 last_id(const Replica *r) { return r->seats.id[r->seats.count - 1]; }

/* Known tokens of a request without a seat, and of a seated one. */
static i64 total(const Work *w, i32 id) { return (i64)w->prompt[id] + w->made[id]; }
static i64 seat_total(const Replica *r, i64 at) {
    i32 id = r->seats.id[at];
    return (i64)r->work->prompt[id] + r->work->output[id] - r->seats.left[at];
}
static i64 hashes(const Work *w, i32 id) { return w->hash_at[id + 1] - w->hash_at[id]; }

/* ---- idle list ------------------------------------------------------------------------- */

static void park(Replica *r, i32 hash) {
    i32 tail = (i32)r->work->hash_ids, last = r->prev[tail];
    r->next[last] = hash;
    r->prev[hash] = last;
    r->next[hash] = tail;
    r->prev[tail] = hash;
    r->idle++;
}

static void wake(Replica *r, i32 hash) {
    r->next[r->prev[hash]] = r->next[hash];
    r->prev[r->next[hash]] = r->prev[hash];
    r->idle--;
}

static void allocate(Replica *r, i64 count) {
    i64 fresh = count < r->free_ ? count : r->free_;
    r->free_ -= fresh;
    for (count -= fresh; count > 0; count--) {
        i32 oldest = r->next[r->work->hash_ids];
        wake(r, oldest);
        r->uses[oldest] = UNCACHED;
    }
    i64 used = r->class_->kv_blocks - available(r);
    if (used > r->peak_blocks) r->peak_blocks = used;
}

static void release(Replica *r, i64 at) {
    Work *w = r->work;
    i32 id = r->seats.id[at];
    i64 base = w->hash_at[id], known = hashes(w, id);
    i64 held = r->seats.room[at] / r->class_->block_tokens;
    i64 shared = known < held ? known : held;
    r->free_ += held - shared;
    for (i64 j = shared - 1; j >= 0; j--) {
        if (!w->owned[base + j]) {
            r->free_++;
            continue;
        }
        w->owned[base + j] = 0;
        i32 hash = w->hash[base + j];
        if (--r->uses[hash] == 0) park(r, hash);
    }
}

static void register_blocks(Replica *r, i64 at, i64 start) {
    if (!r->class_->prefix_cache) return;
    Work *w = r->work;
    i32 id = r->seats.id[at];
    i64 size = r->class_->block_tokens, base = w->hash_at[id];
    i64 last = r->seats.computed[at] / size, known = hashes(w, id);
    if (last > known) last = known;
    for (i64 j = start / size; j < last; j++) {
        i32 hash = w->hash[base + j];
        if (r->uses[hash] != UNCACHED) continue;
        r->uses[hash] = 1;
        w->owned[base + j] = 1;
    }
}

/* ---- seats ----------------------------------------------------------------------------- */

static void open_seat(Seats *s, i64 at) {
    size_t later = (size_t)(s->count - at) * sizeof(i32);
    memmove(s->id + at + 1, s->id + at, later);
    memmove(s->computed + at + 1, s->computed + at, later);
    memmove(s->left + at + 1, s->left + at, later);
    memmove(s->room + at + 1, s->room + at, later);
    s->count++;
    if (s->decoders > at) s->decoders = at;
}

/* Drops the seats without output to come. */
static void close_seats(Seats *s) {
    i64 kept = 0;
    while (s->left[kept]) kept++;
    i64 decoders = s->decoders < kept ? s->decoders : kept;
    for (i64 j = kept + 1; j < s->count; j++) {
        if (!s->left[j]) continue;
        s->id[kept] = s->id[j];
        s->computed[kept] = s->computed[j];
        s->left[kept] = s->left[j];
        s->room[kept++] = s->room[j];
        if (j < s->decoders) decoders = kept;
    }
    s->count = kept;
    s->decoders = decoders;
}

static void count_decoders(Replica *r) {
    Seats *s = &r->seats;
    while (s->decoders < s->count) {
        i64 at = s->decoders;
        if (s->computed[at] < r->work->prompt[s->id[at]]) return;
        if (seat_total(r, at) != s->computed[at] + 1) return;
        s->decoders++;
    }
}

/* ---- queues ---------------------------------------------------------------------------- */

static void queue_push(Replica *r, i32 id) {
    if (r->queued == r->queue_room) {
        r->queue_room = r->queue_room ? 2 * r->queue_room : 64;
        r->queue = realloc(r->queue, r->queue_room * sizeof(i32));
    }
    const i64 *rank = r->work->rank;
    i64 at = r->queued++;
    while (at > 0) {
        i64 up = (at - 1) / 2;
        if (rank[r->queue[up]] <= rank[id]) break;
        r->queue[at] = r->queue[up];
        at = up;
    }
    r->queue[at] = id;
}

static void queue_pop(Replica *r) {
    const i64 *rank = r->work->rank;
    i32 id = r->queue[--r->queued];
    i64 at = 0;
    for (;;) {
        i64 down = 2 * at + 1;
        if (down >= r->queued) break;
        if (down + 1 < r->queued && rank[r->queue[down + 1]] < rank[r->queue[down]]) down++;
        if (rank[id] <= rank[r->queue[down]]) break;
        r->queue[at] = r->queue[down];
        at = down;
    }
    if (r->queued) r->queue[at] = id;
}

/* Takes everything from the sequence served last; returns the seat it had. */
static i64 preempt(Replica *r) {
    Work *w = r->work;
    i64 at = r->seats.count - 1;
    i32 id = r->seats.id[at];
    release(r, at);
    w->made[id] = w->output[id] - r->seats.left[at];
    w->computed[id] = 0;
    w->preempted[id]++;
    r->preemptions++;
    r->seats.count = at;
    if (r->seats.decoders > at) r->seats.decoders = at;
    queue_push(r, id);
    return at;
}

/* ---- scheduling ------------------------------------------------------------------------ */

static int fits(const Replica *r, i32 id, i64 shared) {
    const Work *w = r->work;
    const i32 *hash = w->hash + w->hash_at[id];
    i64 need = blocks_for(total(w, id), r->class_->block_tokens) - shared, sleeping = 0;
    for (i64 j = 0; j < shared; j++) sleeping += r->uses[hash[j]] == 0;
    i64 slack = r->seats.count ? r->class_->watermark_blocks : 0;
    return r->seats.count < r->class_->max_seqs && available(r) - sleeping >= need + slack;
}

static i64 match(const Replica *r, i32 id) {
    if (!r->class_->prefix_cache) return 0;
    const Work *w = r->work;
    const i32 *hash = w->hash + w->hash_at[id];
    i64 most = (total(w, id) - 1) / r->class_->block_tokens, shared = 0;
    if (most > hashes(w, id)) most = hashes(w, id);
    while (shared < most && r->uses[hash[shared]] != UNCACHED) shared++;
    return shared;
}

static int admit(Replica *r, int *gave) {
    Work *w = r->work;
    Seats *s = &r->seats;
    i32 id = r->queue[0];
    if (s->count >= r->class_->max_seqs && w->priority[last_id(r)] <= w->priority[id]) return 0;
    i64 shared = match(r, id);
    while (!fits(r, id, shared)) {
        if (!s->count || w->priority[last_id(r)] <= w->priority[id]) return 0;
        preempt(r);
        *gave = 1;
    }
    queue_pop(r);
    for (i64 j = 0; j < shared; j++) {
        i32 hash = w->hash[w->hash_at[id] + j];
        if (r->uses[hash]++ == 0) wake(r, hash);
        w->owned[w->hash_at[id] + j] = 1;
    }
    i64 size = r->class_->block_tokens, blocks = blocks_for(total(w, id), size);
    allocate(r, blocks - shared);
    w->hit[id] = (i32)(shared * size);
    i64 at = s->count;
    while (at > 0 && w->rank[s->id[at - 1]] > w->rank[id]) at--;
    open_seat(s, at);
    s->id[at] = id;
    s->computed[at] = w->hit[id] > w->computed[id] ? w->hit[id] : w->computed[id];
    s->left[at] = w->output[id] - w->made[id];
    s->room[at] = (i32)(blocks * size);
    return 1;
}

static int grow(Replica *r, i64 at, i64 count, int *gave) {
    Seats *s = &r->seats;
    i64 beyond = s->computed[at] + count - s->room[at];
    if (beyond <= 0) return 1;
    i64 need = blocks_for(beyond, r->class_->block_tokens);
    while (need > available(r)) {
        *gave = 1;
        if (preempt(r) == at) return 0;
    }
    allocate(r, need);
    s->room[at] += (i32)(need * r->class_->block_tokens);
    return 1;
}

/* Blocks needed beyond those held if the leading decoders compute `steps` more tokens each. */
static i64 more_blocks(const Replica *r, i64 steps) {
    const i32 *computed = r->seats.computed, *room = r->seats.room;
    i32 size = (i32)r->class_->block_tokens, ahead = (i32)steps, need = 0;
    i64 count = r->seats.decoders;
    if (steps <= size) {
        for (i64 j = 0; j < count; j++) need += computed[j] + ahead > room[j];
        return need;
    }
    for (i64 j = 0; j < count; j++) {
        i32 beyond = computed[j] + ahead - room[j];
        need += beyond > 0 ? (beyond + size - 1) / size : 0;
    }
    return need;
}

static void take_blocks(Replica *r, i64 steps) {
    const i32 *computed = r->seats.computed;
    i32 *room = r->seats.room, size = (i32)r->class_->block_tokens, ahead = (i32)steps;
    i64 count = r->seats.decoders;
    if (steps <= size) {
        for (i64 j = 0; j < count; j++) room[j] += computed[j] + ahead > room[j] ? size : 0;
        return;
    }
    for (i64 j = 0; j < count; j++) {
        i32 beyond = computed[j] + ahead - room[j];
        if (beyond > 0) room[j] += (beyond + size - 1) / size * size;
    }
}

/* Serves the leading decoders together where their turn comes before anybody waiting. */
static int serve_decoders(Replica *r, int admitting) {
    Seats *s = &r->seats;
    const i64 *rank = r->work->rank;
    if (!s->decoders) return 0;
    if (admitting && r->queued && rank[r->queue[0]] < rank[s->id[s->decoders - 1]]) return 0;
    i64 need = more_blocks(r, 1);
    if (need > available(r)) return 0;
    if (need) {
        allocate(r, need);
        take_blocks(r, 1);
    }
    r->bulk = s->decoders;
    return 1;
}

enum { ANY, PREFILLS, DECODES };

static void pass(Replica *r, int admitting, int serves, int *gave) {
    const Class *c = r->class_;
    Seats *s = &r->seats;
    i64 budget = c->max_tokens, place = 0;
    if (serves != PREFILLS && serve_decoders(r, admitting)) {
        budget -= r->bulk;
        place = r->bulk;
    }
    while (budget > 0) {
        if (admitting && r->queued &&
            (place >= s->count || r->work->rank[r->queue[0]] < r->work->rank[s->id[place]])) {
            admitting = admit(r, gave) && !*gave;
            continue;
        }
        if (place >= s->count) return;
        i64 at = place++, pending = seat_total(r, at) - s->computed[at];
        if ((serves == PREFILLS && pending == 1) || (serves == DECODES && pending > 1)) continue;
        i64 count = pending;
        if (pending > budget) count = c->chunked ? budget : (r->sliced ? 0 : pending);
        if (!count || !grow(r, at, count, gave)) return;
        if (*gave) admitting = 0;
        r->slices[r->sliced++] = (Slice){(i32)at, s->computed[at], (i32)count};
        budget -= count;
    }
}

/* Forms the batch; whether anybody lost blocks. */
static int schedule(Replica *r) {
    int gave = 0, admitting = !r->class_->is_static;
    r->sliced = r->bulk = 0;
    if (!admitting && !r->seats.count)
        while (r->queued && admit(r, &gave)) {
        }
    if (r->class_->chunked) {
        pass(r, admitting, ANY, &gave);
        return gave;
    }
    pass(r, admitting, PREFILLS, &gave);
    if (!r->sliced) pass(r, 0, DECODES, &gave);
    return gave;
}

/* ---- time ------------------------------------------------------------------------------ */

/* Tokens the leading seats attend to when each decodes one more. */
static i64 bulk_context(const Replica *r) {
    i64 context = r->bulk;
    for (i64 j = 0; j < r->bulk; j++) context += r->seats.computed[j];
    return context;
}

static i64 step_time(const Replica *r) {
    const Class *c = r->class_;
    i64 ones = r->bulk, context = bulk_context(r), pairs = 0, tokens = r->bulk;
    for (i64 j = 0; j < r->sliced; j++) {
        i64 start = r->slices[j].start, count = r->slices[j].count;
        tokens += count;
        if (count == 1) {
            ones++;
            context += start + 1;
        } else {
            pairs += count * start + count * (count + 1) / 2;
        }
    }
    if (ones == tokens) return c->decode_ps[ones] + c->context_ps * context;
    i64 base = tokens < c->mixed_len
                   ? c->mixed_ps[tokens]
                   : c->mixed_ps[c->mixed_len - 1] + (tokens - c->mixed_len + 1) * c->tail_ps;
    return base + c->seat_ps[ones] + c->pair_fs * pairs / 1000 + c->context_ps * context;
}

/* Steps of the stretch, from `most`, whose blocks are there. */
static i64 steps_that_fit(const Replica *r, i64 most) {
    i64 low = 0, high = most;
    if (more_blocks(r, most + 1) <= available(r)) return most;
    while (low < high) {
        i64 mid = high - (high - low) / 2;
        if (more_blocks(r, mid + 1) <= available(r)) low = mid;
        else high = mid - 1;
    }
    return low;
}

/* Runs all but the last step of the decode stretch that begins with the batch just formed. */
static void stretch(Replica *r, i64 until) {
    const Class *c = r->class_;
    Seats *s = &r->seats;
    i32 shortest = INT32_MAX;
    if (r->bulk != s->count || r->sliced) return;
    for (i64 j = 0; j < s->count; j++) shortest = s->left[j] < shortest ? s->left[j] : shortest;
    i64 base = c->decode_ps[s->count] + c->context_ps * bulk_context(r);
    i64 slope = c->context_ps * s->count;
    /* the most steps after which another one starts before `until` */
    i64 low = 0, high = shortest - 1;
    while (low < high) {
        i64 mid = high - (high - low) / 2;
        if (mid * base + slope * (mid * (mid - 1) / 2) < until - r->now) low = mid;
        else high = mid - 1;
    }
    if (low) low = steps_that_fit(r, low);
    if (!low) return;
    i64 spent = low * base + slope * (low * (low - 1) / 2);
    allocate(r, more_blocks(r, low + 1));
    take_blocks(r, low + 1);
    for (i64 j = 0; j < s->count; j++) s->computed[j] += (i32)low;
    for (i64 j = 0; j < s->count; j++) s->left[j] -= (i32)low;
    r->now += spent;
    r->busy_ps += spent;
    r->steps += low;
    r->tokens += low * s->count;
}

static void enqueue(Replica *r, i32 id, i64 at) {
    r->outstanding++;
    r->outstanding_tokens += r->work->prompt[id];
    queue_push(r, id);
    if (!r->in_step && r->now < at) r->now = at;
}

/* Accounts for a slice that is no bulk decode; whether its sequence finished. */
static int finish_slice(Replica *r, Slice slice) {
    Seats *s = &r->seats;
    i32 id = s->id[slice.seat];
    int samples = slice.start + slice.count == seat_total(r, slice.seat);
    s->computed[slice.seat] += slice.count;
    if (slice.start < r->work->prompt[id]) register_blocks(r, slice.seat, slice.start);
    if (!samples) return 0;
    if (s->left[slice.seat]-- == r->work->output[id]) r->work->first_ps[id] = r->now;
    return s->left[slice.seat] == 0;
}

static void finish_request(Replica *r, i64 at) {
    i32 id = r->seats.id[at];
    release(r, at);
    r->work->finish_ps[id] = r->now;
    r->outstanding--;
    r->outstanding_tokens -= r->work->prompt[id];
}

static void send_next(Replica *r) {
    if (r->next_client < 0 || r->next_client >= r->work->count) return;
    r->work->arrival_ps[r->next_client] = r->now;
    enqueue(r, (i32)r->next_client, r->now);
    r->next_client += r->stride;
}

static void finish_step(Replica *r) {
    Seats *s = &r->seats;
    i32 least = 1;
    i64 ended = 0;
    r->in_step = 0;
    r->now = r->end;
    for (i64 j = 0; j < r->bulk; j++) s->computed[j]++;
    for (i64 j = 0; j < r->bulk; j++) {
        s->left[j]--;
        least = s->left[j] < least ? s->left[j] : least;
    }
    int over = least == 0;
    for (i64 j = 0; j < r->sliced; j++) over |= finish_slice(r, r->slices[j]);
    if (over) {
        for (i64 j = 0; j < s->count; j++) {
            if (s->left[j]) continue;
            finish_request(r, j);
            ended++;
        }
        close_seats(s);
    }
    count_decoders(r);
    for (; ended > 0; ended--) send_next(r);
}

/* Completes steps that end by `until`, starts steps before it; 1 where nothing could run. */
static int advance(Replica *r, i64 until) {
    for (;;) {
        if (r->in_step) {
            if (r->end > until) return 0;
            finish_step(r);
        }
        if (!(r->seats.count || r->queued) || r->now >= until) return 0;
        int gave = schedule(r);
        if (!r->sliced && !r->bulk) return 1;
        if (!gave) stretch(r, until);
        i64 spent = step_time(r);
        r->end = r->now + spent;
        r->busy_ps += spent;
        r->steps++;
        r->tokens += r->bulk;
        for (i64 j = 0; j < r->sliced; j++) r->tokens += r->slices[j].count;
        r->in_step = 1;
    }
}

/* ---- fleet ----------------------------------------------------------------------------- */

static i64 choose(Replica *fleet, i64 count, i64 routing, i32 id, const Work *w) {
    if (routing == ROUND_ROBIN) return id % count;
    i64 best = 0, least = NEVER, fewest = NEVER;
    for (i64 j = 0; j < count; j++) {
        const Replica *r = &fleet[j];
        i64 cost = r->outstanding;
        if (routing == PREFIX_AWARE)
            cost = w->prompt[id] - match(r, id) * r->class_->block_tokens + r->outstanding_tokens;
        if (cost < least || (cost == least && r->outstanding < fewest)) {
            best = j;
            least = cost;
            fewest = r->outstanding;
        }
    }
    return best;
}

static int setup(Replica *r, const Class *c, Work *w) {
    i64 ids = w->hash_ids + 1;
    memset(r, 0, sizeof *r);
    r->class_ = c;
    r->work = w;
    r->free_ = c->kv_blocks;
    r->next_client = -1;
    size_t seats = (size_t)(c->max_seqs + 1) * sizeof(i32);
    r->seats.id = malloc(4 * seats);
    if (!r->seats.id) return 0;
    r->seats.computed = r->seats.id + c->max_seqs + 1;
    r->seats.left = r->seats.computed + c->max_seqs + 1;
    r->seats.room = r->seats.left + c->max_seqs + 1;
    r->slices = malloc((c->max_seqs + 1) * sizeof(Slice));
    r->uses = malloc(ids * sizeof(i32));
    r->prev = malloc(ids * sizeof(i32));
    r->next = malloc(ids * sizeof(i32));
    if (!r->slices || !r->uses || !r->prev || !r->next) return 0;
    for (i64 j = 0; j < ids; j++) r->uses[j] = UNCACHED;
    r->prev[w->hash_ids] = r->next[w->hash_ids] = (i32)w->hash_ids;
    return 1;
}

static void teardown(Replica *r) {
    free(r->seats.id);
    free(r->slices);
    free(r->uses);
    free(r->prev);
    free(r->next);
    free(r->queue);
}

static void close_loop(Replica *fleet, i64 count, i64 clients, Work *w) {
    for (i64 j = 0; j < count; j++) {
        fleet[j].stride = count;
        fleet[j].next_client = j;
        for (i64 k = 0; k < clients && fleet[j].next_client < w->count; k++) {
            w->arrival_ps[fleet[j].next_client] = 0;
            enqueue(&fleet[j], (i32)fleet[j].next_client, 0);
            fleet[j].next_client += count;
        }
        for (i64 k = j; k < w->count; k += count) w->replica[k] = (i32)j;
    }
}

/* Simulates the workload on `count` replicas of one class. `clients` > 0 closes the loop: so many
 * clients a replica, each sending its next request when the last has finished. `stats` takes five
 * numbers a replica: steps, busy_ps, peak blocks, tokens computed, preemptions.
 * Returns 0; 1 where work was left that cannot run; 2 without memory. */
int warpfive_simulate(const Class *c, Work *w, i64 count, i64 routing, i64 clients, i64 *stats) {
    int bad = 0;
    Replica *fleet = calloc(count, sizeof(Replica));
    if (!fleet) return 2;
    for (i64 j = 0; j < count; j++)
        if (!setup(&fleet[j], c, w)) bad = 2;
    if (!bad && clients > 0) close_loop(fleet, count, clients, w);
    for (i64 id = 0; !bad && clients == 0 && id < w->count; id++) {
        i64 at = w->arrival_ps[id];
        if (routing == ROUND_ROBIN) bad = advance(&fleet[id % count], at);
        else
            for (i64 j = 0; j < count && !bad; j++) bad = advance(&fleet[j], at);
        i64 chosen = choose(fleet, count, routing, (i32)id, w);
        w->replica[id] = (i32)chosen;
        enqueue(&fleet[chosen], (i32)id, at);
    }
    for (i64 j = 0; j < count && !bad; j++) bad = advance(&fleet[j], NEVER);
    for (i64 j = 0; j < count; j++) {
        Replica *r = &fleet[j];
        i64 row[5] = {r->steps, r->busy_ps, r->peak_blocks, r->tokens, r->preemptions};
        memcpy(stats + 5 * j, row, sizeof row);
        teardown(r);
    }
    free(fleet);
    return bad;
}
