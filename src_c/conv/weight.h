/* The gradient of the filters: for each tap and each channel of y, the sum over all places of all samples of what the tap
   sees times y's gradient. Included by conv.c, once per precision.

   A chunk of places at a time: y's gradient is turned, so that the channels of a place stand side by side (a panel of
   2 W of them); what the taps of some channels of x see is copied, a row for each tap; tiles multiply the two and add
   to a strip (taps, channels of y), which is turned into the result at the end. */

enum { FN(block_rows) = 28, FN(gap) = 64 / sizeof(real) };

/* The places of a chunk: pieces of samples, and the runs of all of them. */
typedef struct {
    size_t count, runs, planes;             /* of pieces; of runs; numbers of one channel's planes */
    struct {
        size_t sample, row, height, at;     /* rows row .. row + height of the sample's plane, which begin at `at` */
    } *piece;
    FN(run) *run;
} FN(places);

/* How much memory a call needs, and where it lies. */
typedef struct {
    size_t taps, most, channels, apart, panel, bytes;   /* most: places of a chunk; channels of x at a time */
    size_t *at;
    FN(places) places;
    real *planes, *rows, *panels, *strip;
} FN(weight_plan);

static FN(weight_plan) FN(plan_weight)(const mg_conv_args *p, char *memory) {
    const mg_plane q = mg_plane_of(mg_line_of_y(&p->axis[0]), mg_line_of_y(&p->axis[1]));
    const size_t places = p->axis[0].y * p->axis[1].y, all = p->samples * places, samples = p->samples;
    FN(weight_plan) l = {.taps = p->axis[0].kernel * p->axis[1].kernel, .most = all < FN(chunk) ? all : FN(chunk)};
    size_t used = 0, pieces = (FN(chunk) - 1) / (places ? places : 1) + 2, height = q.height;
    if (pieces > samples) pieces = samples;
    if (places) {                           /* a chunk may be a part of a sample */
        const size_t rows = FN(chunk) / p->axis[1].y + 1;
        const size_t part = rows * (size_t)q.rows.stride + (q.rows.taps - 1) * (size_t)q.rows.tap + 1;
        if (part < height) height = part;
    }
    l.channels = (FN(block_rows) + l.taps - 1) / (l.taps ? l.taps : 1);
    if (l.channels > p->in) l.channels = p->in;
    l.apart = l.most + FN(gap) * (1 + ((l.most + FN(gap)) * sizeof(real) % 2048 == 0)), l.panel = l.most * 2 * W;
#define TAKE(to, numbers, type) to = (type *)(memory + used), used += aligned((numbers) * sizeof(*(to)))
    TAKE(l.at, l.taps, size_t);
    TAKE(l.places.piece, pieces, void);
    TAKE(l.places.run, l.most + 1, FN(run));
    TAKE(l.planes, pieces * height * q.row + FN(room), real);
    TAKE(l.rows, (l.channels * l.taps + 1) * l.apart + FN(room), real);
    TAKE(l.panels, (p->out + 2 * W) / (2 * W) * l.panel + FN(room), real);
    TAKE(l.strip, p->in * l.taps * p->out, real);
#undef TAKE
    l.bytes = used;
    return l;
}

static size_t FN(weight_scratch)(const mg_conv_args *p) { return FN(plan_weight)(p, NULL).bytes; }

/* The pieces and runs of places first .. first + n of all samples. */
static void FN(find_places)(const mg_plane *q, size_t first, size_t n, FN(places) *s) {
    const size_t width = q->columns.n, places = q->rows.n * width, reach = (q->rows.taps - 1) * (size_t)q->rows.tap + 1;
    s->count = s->runs = s->planes = 0;
    for (size_t done = 0; done < n;) {
        const size_t sample = (first + done) / places, from = (first + done) % places;
        const size_t left = places - from < n - done ? places - from : n - done;
        const size_t top = from / width, bottom = (from + left - 1) / width, row = top * (size_t)q->rows.stride;
        const size_t height = (bottom - top) * (size_t)q->rows.stride + reach;
        FN(run) *runs = s->run + s->runs;
        const size_t count = FN(runs_of)(q, from, left, runs);
        for (size_t i = 0; i < count; i++) runs[i].at += done, runs[i].from += s->planes - row * q->row;
        s->piece[s->count].sample = sample, s->piece[s->count].row = row, s->piece[s->count].height = height;
        s->piece[s->count++].at = s->planes;
        s->runs += count, s->planes += height * q->row, done += left;
    }
}

/* Turned gradients: panel after panel, (n places, 2 W channels of y), or W where no more are left. */
static void FN(turn_gradient)(const mg_conv_args *p, size_t group, size_t first, size_t n, size_t panel, real *to) {
    const size_t places = p->axis[0].y * p->axis[1].y, all = p->groups * p->out;
    for (size_t o = 0; o < p->out; o += 2 * W, to += panel) {
        const size_t part = p->out - o < 2 * W ? p->out - o : 2 * W, width = part > W ? 2 * W : W;
        const real *y = (const real *)p->y + (group * p->out + o) * places;
        if (places == 1) {
            FN(pack_panel)(n, part, y + first * all, (ptrdiff_t)all, 1, to);
            continue;
        }
        for (size_t done = 0, run; done < n; done += run) {
            const size_t sample = (first + done) / places, from = (first + done) % places;
            run = places - from < n - done ? places - from : n - done;
            FN(pack_panel)(run, part, y + sample * all * places + from, 1, (ptrdiff_t)places, to + done * width);
        }
    }
}

/* What the taps of channels first .. first + n of x see, a row for each. */
static void FN(see)(const mg_conv_args *p, const mg_plane *q, const FN(weight_plan) *l, size_t first, size_t n) {
    const size_t size = p->axis[0].x * p->axis[1].x;
    real *to = l->rows;
    for (size_t c = first; c < first + n; c++) {
        for (size_t i = 0; i < l->places.count; i++) {
            const size_t sample = l->places.piece[i].sample;
            FN(fill_plane)(q, l->places.piece[i].row, l->places.piece[i].height,
                           (const real *)p->x + (sample * p->groups * p->in + c) * size, l->planes + l->places.piece[i].at);
        }
        for (size_t t = 0; t < l->taps; t++, to += l->apart)
            FN(copy_runs)(l->places.run, l->places.runs, l->planes + l->at[t], to);
    }
}

/* The sum of n products, in 32 lanes that are added by halves. */
static real FN(dot)(size_t n, const real *x, const real *y) {
    enum { L = 32 / (MG_BYTES / sizeof(real)) };
    vec sum[L] = {{0}};
    real lane[32];
    size_t k = 0;
    for (; k + 32 <= n; k += 32)
        UNROLL for (int l = 0; l < L; l++) sum[l] = V(fma)(V(load)(x + k + l * W), V(load)(y + k + l * W), sum[l]);
    UNROLL for (int l = 0; l < L; l++) V(store)(lane + l * W, sum[l]);
    for (size_t l = 0; k < n; k++, l++) lane[l] = REAL_FMA(x[k], y[k], lane[l]);
    for (int half = 16; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* Rows m of taps and one channel of y after the other, for few channels. */
static void FN(few_gradients)(const mg_conv_args *p, const FN(weight_plan) *l, size_t group, size_t first, size_t n,
                              size_t m, real *strip) {
    const size_t places = p->axis[0].y * p->axis[1].y, all = p->groups * p->out;
    real *y = l->rows + l->channels * l->taps * l->apart;
    for (size_t o = 0; o < p->out; o++) {
        for (size_t done = 0, run; done < n; done += run) {
            const size_t sample = (first + done) / places, from = (first + done) % places;
            run = places - from < n - done ? places - from : n - done;
            memcpy(y + done, (const real *)p->y + (sample * all + group * p->out + o) * places + from, run * sizeof(real));
        }
        for (size_t r = 0; r < m; r++) {
            const real sum = FN(dot)(n, l->rows + r * l->apart, y);
            strip[r * p->out + o] = first > 0 ? strip[r * p->out + o] + sum : sum;
        }
    }
}

/* Channels c0 .. c0 + n of x, of one group, and one chunk of places. */
static void FN(weight_chunk)(const mg_conv_args *p, const mg_plane *q, FN(weight_plan) *l, size_t group, size_t c0,
                             size_t n, size_t first, size_t count) {
    const int few = p->out <= FEW;
    FN(find_places)(q, first, count, &l->places);
    if (!few) FN(turn_gradient)(p, group, first, count, l->panel, l->panels);
    for (size_t c = 0, more; c < n; c += more) {
        more = n - c < l->channels ? n - c : l->channels;
        real *strip = l->strip + c * l->taps * p->out;
        FN(see)(p, q, l, group * p->in + c0 + c, more);
        if (few) {
            FN(few_gradients)(p, l, group, first, count, more * l->taps, strip);
            continue;
        }
        for (size_t o = 0; o < p->out; o += 2 * W) {
            const size_t part = p->out - o < 2 * W ? p->out - o : 2 * W;
            const FN(tile_args) t = {
                .n = part, .k = count, .a = l->rows, .a_row = (ptrdiff_t)l->apart, .a_col = 1,
                .b = l->panels + o / (2 * W) * l->panel, .b_row = part > W ? 2 * W : W, .b_last = W, .c = strip + o,
                .c_row = (ptrdiff_t)p->out, .add = first > 0,
            };
            FN(even_tiles)(t, more * l->taps);
        }
    }
}

/* Channels first .. first + n of x, counted over all groups. */
static void FN(conv2d_weight)(const mg_conv_args *p, size_t first, size_t n, void *scratch) {
    const mg_plane q = mg_plane_of(mg_line_of_y(&p->axis[0]), mg_line_of_y(&p->axis[1]));
    FN(weight_plan) l = FN(plan_weight)(p, scratch);
    const size_t all = p->samples * p->axis[0].y * p->axis[1].y;
    for (size_t t = 0; t < l.taps; t++) l.at[t] = mg_tap_at(&q, t / p->axis[1].kernel, t % p->axis[1].kernel);
    for (size_t c = first, more; c < first + n; c += more) {
        const size_t group = c / p->in, in_group = c % p->in;
        more = p->in - in_group < first + n - c ? p->in - in_group : first + n - c;
        for (size_t k = 0; k < all; k += FN(chunk))
            FN(weight_chunk)(p, &q, &l, group, in_group, more, k, all - k < FN(chunk) ? all - k : FN(chunk));
        for (size_t o = 0; o < p->out; o++) {
            real *to = (real *)p->result + ((group * p->out + o) * p->in + in_group) * l.taps;
            for (size_t t = 0; t < more * l.taps; t++) to[t] = all ? l.strip[t * p->out + o] : 0;
        }
    }
}
