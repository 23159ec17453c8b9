/* One replica followed step by step, the fast path.
 *
 * The same decisions as warpfive/perf/replica.py, in the same order and the same arithmetic, on
 * arrays with one entry a request. Step times that are not known yet are asked of the caller.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t i64;

enum { BASE, SLOPE, OWN, POOLED, FIXED, CURVES, ATTENTION = CURVES };

/* A step model's times: curves over a grid, NaN where nobody asked yet. */
typedef struct {
    double (*ask)(int what, double point, double context);
    const double *grid;
    double *curve[CURVES];
    i64 points, moe;
    double dp, cp, pp, chunk_tokens;
    double prefill_scale, launches, sharpness, prefill_s, token_s, sequence_s;
} Table;

typedef struct {
    const Table *table, *prefill; /* prefill: of a second instance that takes the prompts, or 0 */
    i64 count, users, slots, groups, mixed, first_only;
    double capacity, chunk_tokens, reserve, intake_s, per_step;
    const double *prompt, *wanted, *moved_s; /* moved_s: seconds to move a prompt's KV cache */
} Work;

typedef struct {
    i64 done, measured;
    double ttft, tpot, latency, out, into;
    double *firsts, *paces; /* one entry a request, in the order they came */
    i64 first_count;
} Wave;

typedef struct {
    double now, decode_seconds, decode_weight, plain_seconds, plain_steps;
    i64 crowded;
    Wave wave[2];
} Result;

#define SEEN 512
typedef struct {
    double length, context, seconds;
} Seen;

typedef struct {
    const Work *w;
    Result *r;
    double open, steps, context;
    i64 sent, admitted; /* requests [admitted, sent) wait */
    i64 filling_count, running_count, ready_head, ready_count;
    i64 *filling, *running, *ready; /* running: a heap by end, then by request */
    i64 *group, *held;
    double *at, *open_at, *left, *first, *kept, *end, *arrives, *used, *room, *share, *part, *free_;
    Seen *seen, *seen_prefill;
} Replica;

static double join(double sharpness, double a, double b) {
    double largest = a > b ? a : b;
    if (largest <= 0) return 0;
    return largest * pow(pow(a / largest, sharpness) + pow(b / largest, sharpness), 1 / sharpness);
}

static double value(const Table *t, int curve, i64 i) {
    if (isnan(t->curve[curve][i])) t->curve[curve][i] = t->ask(curve, t->grid[i], 0);
    return t->curve[curve][i];
}

static double at(const Table *t, int curve, double point) {
    if (point <= 1) return value(t, curve, 0);
    i64 low = 0, high = t->points;
    while (high - low > 1) {
        i64 middle = (low + high) / 2;
        if (t->grid[middle] <= point) low = middle;
        else high = middle;
    }
    if (t->grid[low] == point || high == t->points) return value(t, curve, low);
    double share = (point - t->grid[low]) / (t->grid[high] - t->grid[low]);
    return value(t, curve, low) * (1 - share) + value(t, curve, high) * share;
}

static double attended(const Table *t, Seen *seen, double tokens, double context,
                       double sequences, double mine) {
    double length = tokens / sequences < mine ? tokens / sequences : mine;
    uint64_t a, b;
    memcpy(&a, &length, 8);
    memcpy(&b, &context, 8);
    Seen *entry = seen + ((a * 0x9E3779B97F4A7C15u ^ b * 0xC2B2AE3D27D4EB4Fu) >> 40) % SEEN;
    if (entry->length != length || entry->context != context)
        *entry = (Seen){length, context, t->ask(ATTENTION, length, context)};
    return mine / length * entry->seconds;
}

static double experts(const Table *t, double rows) {
    return t->moe ? at(t, POOLED, rows > 1 ? rows : 1) : 0;
}

static double prefill_s(const Table *t, Seen *seen, double tokens, double context,
                        double sequences, double mine) {
    double chunks = tokens / t->chunk_tokens > 1 ? tokens / t->chunk_tokens : 1;
    double stages = t->pp > 1 ? (chunks + t->pp - 1) / (chunks * t->pp) : 1;
    double body = at(t, OWN, mine / t->cp) + experts(t, tokens / t->cp);
    double attention = attended(t, seen, tokens, context, sequences, mine);
    double device = join(t->sharpness, (body + attention) * (t->prefill_scale * stages), t->launches);
    return device + t->prefill_s + t->token_s * tokens;
}

static double mixed_s(const Table *t, Seen *seen, double tokens, double context, double sequences,
                      double batch, double context_sum, double mine) {
    double attention = attended(t, seen, tokens, context, sequences, mine);
    double body = at(t, OWN, mine + batch / t->dp);
    body += experts(t, tokens + batch);
    double old = at(t, SLOPE, batch) * context_sum + at(t, FIXED, batch);
    double host = t->prefill_s + t->sequence_s * batch / t->dp;
    host += t->token_s * tokens;
    double work = (body + attention) * t->prefill_scale + old;
    return join(t->sharpness, work, t->launches) + host;
}

static int before(const Replica *r, i64 a, i64 b) {
    return r->end[a] < r->end[b] || (r->end[a] == r->end[b] && a < b);
}

static void push(Replica *r, i64 id) {
    i64 place = r->running_count++;
    while (place && before(r, id, r->running[(place - 1) / 2])) {
        r->running[place] = r->running[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    r->running[place] = id;
}

static i64 pop(Replica *r) {
    i64 top = r->running[0], last = r->running[--r->running_count], place = 0, child;
    while ((child = 2 * place + 1) < r->running_count) {
        if (child + 1 < r->running_count && before(r, r->running[child + 1], r->running[child]))
            child++;
        if (!before(r, r->running[child], last)) break;
        r->running[place] = r->running[child];
        place = child;
    }
    r->running[place] = last;
    return top;
}

static Wave *wave(Replica *r, i64 id) { return &r->r->wave[id >= r->w->users]; }

static void send(Replica *r) {
    if (r->sent >= r->w->count) return;
    i64 id = r->sent++;
    r->open = (r->open > r->r->now ? r->open : r->r->now) + r->w->intake_s;
    r->at[id] = r->r->now;
    r->open_at[id] = r->open;
    r->left[id] = r->w->prompt[id];
}

static void admit(Replica *r) {
    const Work *w = r->w;
    while (r->admitted < r->sent
           && r->running_count + r->filling_count + r->ready_count < w->slots) {
        i64 id = r->admitted, group = 0;
        if (r->open_at[id] > r->r->now + 1e-9) return;
        for (i64 g = 1; g < w->groups; g++)
            if (r->held[g] < r->held[group]) group = g;
        double need = w->prompt[id] + w->reserve * w->wanted[id];
        if (r->used[group] + need > w->capacity && r->used[group] > 0) {
            r->r->crowded = 1;
            return;
        }
        r->kept[id] = need;
        r->group[id] = group;
        r->used[group] += need;
        r->held[group]++;
        r->filling[r->filling_count++] = id;
        r->admitted++;
    }
    r->r->crowded |= r->admitted < r->sent;
}

static void finish(Replica *r, i64 id) {
    const Work *w = r->w;
    Wave *to = wave(r, id);
    r->used[r->group[id]] -= r->kept[id];
    r->held[r->group[id]]--;
    to->done++;
    to->out += w->wanted[id];
    to->into += w->prompt[id];
    to->latency += r->r->now - r->at[id];
    if (w->wanted[id] > 1) {
        double pace = (r->r->now - r->first[id]) / (w->wanted[id] - 1);
        to->tpot += pace;
        to->paces[to->measured++] = pace;
    }
    send(r);
}

static void start(Replica *r, i64 id) {
    Wave *to = wave(r, id);
    double waited = r->r->now - r->at[id];
    r->first[id] = r->r->now;
    to->ttft += waited;
    to->firsts[to->first_count++] = waited;
    if (r->w->wanted[id] <= 1) {
        finish(r, id);
        return;
    }
    r->end[id] = r->steps + (r->w->wanted[id] - 1) / r->w->per_step;
    push(r, id);
    r->context += r->w->prompt[id] + 1;
}

static void advance(Replica *r, double steps) {
    r->context += r->running_count * steps * r->w->per_step;
    r->steps += steps;
    while (r->running_count && r->end[r->running[0]] <= r->steps + 1e-9) {
        i64 id = pop(r);
        r->context -= r->w->prompt[id] + r->w->wanted[id];
        finish(r, id);
    }
}

static void prefill_step(Replica *r, i64 *ended) {
    const Work *w = r->w;
    i64 batch = r->running_count, ended_count = 0, parts = 0, open = w->groups, kept = 0;
    double taken = 0, behind = 0, fullest = 0, seconds;
    for (i64 g = 0; g < w->groups; g++) r->room[g] = w->chunk_tokens, r->share[g] = 0;
    for (i64 i = 0; i < r->filling_count; i++) {
        i64 id = r->filling[i], g = r->group[id];
        double part = open ? (r->left[id] < r->room[g] ? r->left[id] : r->room[g]) : 0;
        if (part > 0) {
            r->room[g] -= part;
            open -= r->room[g] == 0;
            r->left[id] -= part;
            r->share[g] += part;
            taken += part;
            behind += w->prompt[id] - r->left[id] - part;
            parts++;
            if (r->left[id] == 0) ended[ended_count++] = id;
        }
        if (r->left[id] > 0) r->filling[kept++] = id;
    }
    r->filling_count = kept;
    for (i64 g = 0; g < w->groups; g++)
        if (r->share[g] > fullest) fullest = r->share[g];
    if (w->mixed && batch > 0)
        seconds = mixed_s(w->table, r->seen, taken, behind / parts, parts, batch, r->context, fullest);
    else
        seconds = prefill_s(w->table, r->seen, taken, behind / parts, parts, fullest);
    r->r->now += seconds;
    if (w->mixed && batch > 0) {
        r->r->decode_seconds += seconds;
        r->r->decode_weight += seconds * batch;
        advance(r, 1);
    }
    for (i64 i = 0; i < ended_count; i++) start(r, ended[i]);
}

/* Hand the admitted prompts to the prefill instance, first come, first served. */
static void hand_over(Replica *r) {
    const Work *w = r->w;
    i64 groups = (i64)w->prefill->dp;
    for (i64 i = 0; i < r->filling_count; i++) {
        i64 id = r->filling[i], first = 0, busy = 1;
        for (i64 g = 1; g < groups; g++)
            if (r->free_[g] < r->free_[first]) first = g;
        double begin = r->free_[first] > r->at[id] ? r->free_[first] : r->at[id];
        for (i64 g = 0; g < groups; g++) busy += r->free_[g] > begin;
        double prompt = w->prompt[id];
        r->free_[first] = begin + prefill_s(w->prefill, r->seen_prefill, busy * prompt, 0, busy, prompt);
        r->arrives[id] = r->free_[first] + w->moved_s[id];
        r->ready[(r->ready_head + r->ready_count++) % w->count] = id;
    }
    r->filling_count = 0;
}

static void stretch(Replica *r, double count) {
    i64 batch = r->running_count;
    double base = at(r->w->table, BASE, batch), slope = at(r->w->table, SLOPE, batch);
    double grown = r->w->per_step * batch * count * (count - 1) / 2;
    double seconds = count * base + slope * (count * r->context + grown);
    r->r->now += seconds;
    r->r->decode_seconds += seconds;
    r->r->decode_weight += seconds * batch;
    r->r->plain_seconds += seconds;
    r->r->plain_steps += count;
    advance(r, count);
}

/* Decode until the next request ends, or until `event`. */
static void decode_until(Replica *r, double event) {
    double left = r->end[r->running[0]] - r->steps;
    double base = at(r->w->table, BASE, r->running_count);
    double slope = at(r->w->table, SLOPE, r->running_count);
    double steps = floor((event - r->r->now) / (base + slope * r->context)) + 1;
    if (steps < left) left = steps;
    stretch(r, left > 1 ? left : 1);
}

static void decode(Replica *r) {
    double open = r->admitted < r->sent ? r->open_at[r->admitted] : 0;
    double arrives = r->ready_count ? r->arrives[r->ready[r->ready_head]] : 0;
    if (!r->running_count) {
        double next = r->ready_count ? arrives : open;
        if (next > r->r->now) r->r->now = next;
    } else if (r->ready_count || open > r->r->now) {
        decode_until(r, r->ready_count ? arrives : open);
    } else {
        decode_until(r, INFINITY);
    }
    while (r->ready_count && r->arrives[r->ready[r->ready_head]] <= r->r->now) {
        i64 id = r->ready[r->ready_head];
        r->ready_head = (r->ready_head + 1) % r->w->count;
        r->ready_count--;
        start(r, id);
    }
}

/* Follow an instance to the end, or until the first round is over; 1: out of host memory. */
int warpfive_replica(const Work *w, Result *result) {
    i64 groups = w->groups, n = w->count;
    i64 others = w->prefill ? (i64)w->prefill->dp : 0;
    double *reals = calloc(7 * n + 3 * groups + others + 1, sizeof(double));
    i64 *whole = calloc(5 * n + groups, sizeof(i64));
    Seen *seen = calloc(2 * SEEN, sizeof(Seen));
    if (!reals || !whole || !seen) {
        free(reals), free(whole), free(seen);
        return 1;
    }
    Replica r = {.w = w, .r = result, .seen = seen, .seen_prefill = seen + SEEN};
    double **columns[] = {&r.at, &r.open_at, &r.left, &r.first, &r.kept, &r.end, &r.arrives};
    for (i64 i = 0; i < 7; i++) *columns[i] = reals + i * n;
    r.used = reals + 7 * n, r.room = r.used + groups, r.share = r.room + groups;
    r.free_ = r.share + groups;
    r.filling = whole, r.running = whole + n, r.ready = whole + 2 * n, r.group = whole + 3 * n;
    r.held = whole + 5 * n;
    i64 *ended = whole + 4 * n;
    for (i64 i = 0; i < w->users; i++) send(&r);
    while (r.admitted < r.sent || r.filling_count || r.running_count || r.ready_count) {
        if (w->first_only && result->wave[0].done == w->users) break;
        admit(&r);
        if (!r.filling_count) decode(&r);
        else if (w->prefill) hand_over(&r);
        else prefill_step(&r, ended);
    }
    free(reals), free(whole), free(seen);
    return 0;
}
