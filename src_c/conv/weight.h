/* The gradient of the filters: for each tap and each channel of y, the sum over all places of all samples of the number
   that the tap reads times the gradient of y. Included by conv.c, once per precision.

   One chunk of places is computed at a time. The gradient of y is transposed, so that the channels of a place are
   side by side (in panels of 2 W channels). The numbers that the taps of some channels of x read are copied, one row
   for each tap. Tiles multiply the two and add to a strip (taps, channels of y), which is transposed into the result
   at the end. */

enum { FN(block_rows) = 28, FN(gap) = 64 / sizeof(real) };

/* The places of a chunk: pieces of samples, and the moves of all of them. */
typedef struct {
    size_t count, moves, planes;            /* of pieces; of moves; numbers of one channel's planes */
    struct {
        size_t sample, row, height, at;     /* rows row .. row + height of the sample's plane, which begin at `at` */
    } *piece;
    FN(move) *move;
} FN(places);

/* How much memory a call needs, and where it lies. */
typedef struct {
    size_t taps, most, channels, apart, panel, bytes;   /* most: places of a chunk; channels of x at a time */
    size_t *at;
    FN(places) places;
    real *planes, *rows, *panels, *strip;
} FN(weight_plan);

/* How many samples are a chunk of the gradient of few filters. */
static size_t FN(samples_at_once)(const mg_conv_args *p) {
    const size_t places = p->axis[0].y * p->axis[1].y, n = places ? FN(chunk) / places : 0;
    return n < 1 ? 1 : n > p->samples ? p->samples : n;
}

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
    if (p->out <= FEW) {
        TAKE(l.planes, FN(samples_at_once)(p) * q.height * q.row + FN(room), real);
        l.bytes = used;
        return l;
    }
    TAKE(l.places.piece, pieces, void);
    TAKE(l.places.move, l.most, FN(move));
    TAKE(l.planes, pieces * height * q.row + FN(room), real);
    TAKE(l.rows, l.channels * l.taps * l.apart + FN(room), real);
    TAKE(l.panels, (p->out + 2 * W) / (2 * W) * l.panel + FN(room), real);
    TAKE(l.strip, p->in * l.taps * p->out, real);
#undef TAKE
    l.bytes = used;
    return l;
}

static size_t FN(weight_scratch)(const mg_conv_args *p) { return FN(plan_weight)(p, NULL).bytes; }

/* The pieces and moves of places first .. first + n of all samples. */
static void FN(find_places)(const mg_plane *q, size_t first, size_t n, FN(places) *s) {
    const size_t width = q->columns.n, places = q->rows.n * width, reach = (q->rows.taps - 1) * (size_t)q->rows.tap + 1;
    s->count = s->moves = s->planes = 0;
    for (size_t done = 0; done < n;) {
        const size_t sample = (first + done) / places, from = (first + done) % places;
        const size_t left = places - from < n - done ? places - from : n - done;
        const size_t top = from / width, bottom = (from + left - 1) / width, row = top * (size_t)q->rows.stride;
        const size_t height = (bottom - top) * (size_t)q->rows.stride + reach;
        FN(move) *moves = s->move + s->moves;
        const size_t count = FN(moves_of)(q, from, left, moves);
        for (size_t i = 0; i < count; i++) moves[i].at += done, moves[i].from += s->planes - row * q->row;
        s->piece[s->count].sample = sample, s->piece[s->count].row = row, s->piece[s->count].height = height;
        s->piece[s->count++].at = s->planes;
        s->moves += count, s->planes += height * q->row, done += left;
    }
}

/* Transposed gradients: panel after panel, (n places, 2 W channels of y), the last maybe of W channels. */
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

/* The numbers that the taps of channels first .. first + n of x read, one row for each tap. */
static void FN(see)(const mg_conv_args *p, const mg_plane *q, const FN(weight_plan) *l, size_t first, size_t n) {
    const size_t size = p->axis[0].x * p->axis[1].x;
    real *to = l->rows;
    for (size_t c = first; c < first + n; c++) {
        for (size_t i = 0; i < l->places.count; i++) {
            const size_t sample = l->places.piece[i].sample;
            FN(fill_plane)(q, l->places.piece[i].row, l->places.piece[i].height,
                           (const real *)p->x + (sample * p->groups * p->in + c) * size, l->planes + l->places.piece[i].at);
        }
        for (size_t t = 0; t < l->taps; t++, to += l->apart) {
            const real *from = l->planes + l->at[t];
            const FN(move) *m = l->places.move, *end = m + l->places.moves;
            for (; m < end; m++) V(store)(to + m->at, V(load)(from + m->from));
        }
    }
}

/* Adds one chunk of places to the strips of channels c0 .. c0 + n of x, of one group. */
static void FN(weight_chunk)(const mg_conv_args *p, const mg_plane *q, FN(weight_plan) *l, size_t group, size_t c0,
                             size_t n, size_t first, size_t count) {
    FN(find_places)(q, first, count, &l->places);
    FN(turn_gradient)(p, group, first, count, l->panel, l->panels);
    for (size_t c = 0, more; c < n; c += more) {
        more = n - c < l->channels ? n - c : l->channels;
        real *strip = l->strip + c * l->taps * p->out;
        FN(see)(p, q, l, group * p->in + c0 + c, more);
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

/* --- groups with few filters ---
   A chunk is as many whole samples as fit into it, at least one, summed in 32 lanes: column j of y in lane j mod 32.
   Rows are extended with zeros to a multiple of 32. */

/* T sums, one for each of T taps: of the numbers that it reads in n planes, times the gradients of y. L: how many of
   the vectors of 32 lanes have columns. */
INLINE void FN(lanes_of_taps)(const mg_plane *q, size_t n, const real *planes, const size_t *at, const real *y,
                              size_t apart, real *to, int add, const int T, const int L) {
    const size_t width = q->columns.n, step = mg_row_step(q), plane = q->height * q->row;
    vec sum[3 * 32 / 2] = {{0}};
    for (size_t s = 0; s < n; s++, planes += plane, y += apart - q->rows.n * width) {
        const real *x = planes;
        for (size_t i = 0; i < q->rows.n; i++, x += step, y += width) {
            size_t j = 0;
            for (; j + 32 <= width; j += 32)
                UNROLL for (int l = 0; l < L; l++) {
                    const vec g = V(load)(y + j + l * W);
                    UNROLL for (int t = 0; t < T; t++)
                        sum[t * L + l] = V(fma)(V(load)(x + at[t] + j + l * W), g, sum[t * L + l]);
                }
            if (j < width)
                UNROLL for (int l = 0; l < L; l++) {
                    const size_t left = width - j > (size_t)l * W ? width - j - (size_t)l * W : 0;
                    const size_t part = left < W ? left : W;
                    const vec g = V(load_part)(y + j + (part ? l * W : 0), part);
                    UNROLL for (int t = 0; t < T; t++)
                        sum[t * L + l] = V(fma)(V(load_part)(x + at[t] + j + l * W, part), g, sum[t * L + l]);
                }
        }
    }
    for (int t = 0; t < T; t++) {
        real lane[32] = {0};
        UNROLL for (int l = 0; l < L; l++) V(store)(lane + l * W, sum[t * L + l]);
        for (int half = 16; half > 0; half /= 2)
            for (int l = 0; l < half; l++) lane[l] += lane[l + half];
        to[t] = add ? to[t] + lane[0] : lane[0];
    }
}

NOINLINE static void FN(lanes_of_3)(const mg_plane *q, size_t n, const real *planes, const size_t *at, const real *y,
                                    size_t apart, real *to, int add) {
    enum { L = 32 / (MG_BYTES / sizeof(real)) };
    if (q->columns.n <= W) FN(lanes_of_taps)(q, n, planes, at, y, apart, to, add, 3, 1);
    else FN(lanes_of_taps)(q, n, planes, at, y, apart, to, add, 3, L);
}

NOINLINE static void FN(lanes_of_1)(const mg_plane *q, size_t n, const real *planes, const size_t *at, const real *y,
                                    size_t apart, real *to, int add) {
    enum { L = 32 / (MG_BYTES / sizeof(real)) };
    FN(lanes_of_taps)(q, n, planes, at, y, apart, to, add, 1, L);
}

/* Channel c of x, counted over all groups: its taps of each filter, chunk after chunk of samples. */
static void FN(few_gradients)(const mg_conv_args *p, const mg_plane *q, const FN(weight_plan) *l, size_t c) {
    const size_t group = c / p->in, size = p->axis[0].x * p->axis[1].x, places = p->axis[0].y * p->axis[1].y;
    const size_t at_once = FN(samples_at_once)(p), apart = p->groups * p->out * places;
    for (size_t s = 0, n; s < p->samples; s += n) {
        n = p->samples - s < at_once ? p->samples - s : at_once;
        for (size_t i = 0; i < n; i++)
            FN(fill_plane)(q, 0, q->height, (const real *)p->x + ((s + i) * p->groups * p->in + c) * size,
                           l->planes + i * q->height * q->row);
        for (size_t o = 0; o < p->out; o++) {
            const real *y = (const real *)p->y + ((s * p->groups + group) * p->out + o) * places;
            real *to = (real *)p->result + ((group * p->out + o) * p->in + c % p->in) * l->taps;
            size_t t = 0;
            for (; t + 3 <= l->taps; t += 3) FN(lanes_of_3)(q, n, l->planes, l->at + t, y, apart, to + t, s > 0);
            for (; t < l->taps; t++) FN(lanes_of_1)(q, n, l->planes, l->at + t, y, apart, to + t, s > 0);
        }
    }
}

/* Channels first .. first + n of x, counted over all groups. */
static void FN(conv2d_weight)(const mg_conv_args *p, size_t first, size_t n, void *scratch) {
    const mg_plane q = mg_plane_of(mg_line_of_y(&p->axis[0]), mg_line_of_y(&p->axis[1]));
    FN(weight_plan) l = FN(plan_weight)(p, scratch);
    const size_t places = p->axis[0].y * p->axis[1].y, all = p->samples * places;
    for (size_t t = 0; t < l.taps; t++) l.at[t] = mg_tap_at(&q, t / p->axis[1].kernel, t % p->axis[1].kernel);
    if (p->out <= FEW && all > 0) {
        for (size_t c = first; c < first + n; c++) FN(few_gradients)(p, &q, &l, c);
        return;
    }
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
