/* Convolutions. Equal to conv_naive.c, bit for bit, because each element is the same chains of fma; only the order in
   which the elements are computed differs.

   conv2d and conv2d_input compute each place of the result as a sum over taps of planes (lines.h): planes of x, or,
   for each phase of the stride, of y. For 2 W places at a time, the numbers that the taps read are copied from planes
   with zeros around them (planes.h) to a panel, and the tiles of a matrix product (tile.h) multiply the panel by the
   filters. Where rows of places fill vectors well, there is no panel: tiles read the planes in place (in_place.h).
   Groups with up to FEW filters never have a panel. weight.h has the gradient of the filters. */
#ifndef real
#include "conv/conv.h"
#include "conv/lines.h"
#include "math/exp_log_tanh.h"
#include "matmul/tile_sizes.h"

enum { FEW = 3, LINE = 64 };

static size_t aligned(size_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

/* The plane of a phase of conv2d (`which` is MG_CONV; it has one phase) or of conv2d_input. */
static mg_plane plane_of_phase(const mg_conv_args *p, int which, size_t row, size_t column) {
    if (which == MG_CONV) return mg_plane_of(mg_line_of_y(&p->axis[0]), mg_line_of_y(&p->axis[1]));
    return mg_plane_of(mg_line_of_x(&p->axis[0], row), mg_line_of_x(&p->axis[1], column));
}

static size_t phases_of(const mg_conv_axis *a, int which) { return which == MG_CONV ? 1 : mg_phases(a); }

#define MG_SOURCE "conv/conv.c"
#include "base/mg_both.h"

const mg_conv_table MG_TABLE(conv) = {
    .conv2d_scratch = {mg_conv2d_scratch_f32, mg_conv2d_scratch_f64},
    .conv2d_filters = {mg_conv2d_filters_f32, mg_conv2d_filters_f64},
    .conv2d = {mg_conv2d_f32, mg_conv2d_f64},
    .conv2d_input = {mg_conv2d_input_f32, mg_conv2d_input_f64},
    .conv2d_weight = {mg_conv2d_weight_f32, mg_conv2d_weight_f64},
};

#else
enum { FN(chunk) = 4096 / sizeof(real) };

#include "matmul/tile.h"
#include "matmul/panel.h"
#include "conv/planes.h"
#include "conv/weight.h"

/* What all units of a call share in one phase. */
typedef struct {
    const mg_conv_args *p;
    mg_plane plane;
    size_t filters, depth, k;               /* filters of a group, planes that each filter reads, terms of a sum */
    size_t a_row, result_rows, result_columns;
    size_t planes;                          /* numbers of one plane */
    int direct;                             /* the kernel is 1 x 1: the source is read itself, without planes */
    int in_place;                           /* the planes are read by rows of places (in_place.h) */
    size_t *at;                             /* the index of each tap in a plane */
    uint32_t *where;                        /* in_place: the index of the tap of each k in the planes */
    real *source, *panel, *strip;           /* scratch */
} FN(phase);

static FN(phase) FN(phase_of)(const mg_conv_args *p, int which, size_t row, size_t column) {
    const int forward = which == MG_CONV;
    FN(phase) f = {.p = p, .plane = plane_of_phase(p, which, row, column)};
    const mg_plane *q = &f.plane;
    f.filters = forward ? p->out : p->in, f.depth = forward ? p->in : p->out;
    f.k = f.depth * q->rows.taps * q->columns.taps;
    f.a_row = f.k + (f.k * sizeof(real) % 2048 == 0 ? LINE / sizeof(real) : 0);
    f.result_rows = forward ? p->axis[0].y : p->axis[0].x, f.result_columns = forward ? p->axis[1].y : p->axis[1].x;
    f.planes = q->height * q->row;
    f.direct = q->rows.taps * q->columns.taps == 1 && q->rows.stride == 1 && q->stride == 1 && q->top == 0 &&
               q->left == 0 && q->height == q->rows.source && q->width == q->columns.source && f.filters > FEW;
    /* `lanes` is how many lanes a row of places takes. Reading in place is faster where at most an eighth of them is
       unused and few tiles would read a panel: at 14 x 14, 32 filters are 2 to 18 % faster, 64 are 2 % slower
       (Zen 4). */
    const size_t lanes = (q->columns.n + W - 1) / W * W;
    f.in_place = !f.direct && f.filters > FEW && f.filters <= 3 * ROWS_2 && q->rows.step == 1 && q->columns.step == 1 &&
                 8 * q->columns.n >= 7 * lanes && f.depth * f.planes < UINT32_MAX;
    return f;
}

/* Divides scratch among the arrays of a phase; returns how many bytes they take. */
static size_t FN(lay_out)(FN(phase) *f, char *memory) {
    const size_t k = f->k < FN(chunk) ? f->k : FN(chunk), taps = f->plane.rows.taps * f->plane.columns.taps;
    size_t used = 0;
    f->at = (size_t *)(memory + used), used += aligned(taps * sizeof(size_t));
    f->where = (uint32_t *)(memory + used), used += aligned(f->in_place ? f->k * sizeof(uint32_t) : 0);
    f->panel = (real *)(memory + used), used += aligned(f->in_place ? 0 : (k * 2 * W + FN(room)) * sizeof(real));
    f->strip = (real *)(memory + used), used += aligned((f->filters + 8) * 2 * W * sizeof(real));
    f->source = (real *)(memory + used);
    return used + (f->direct ? 0 : aligned((f->depth * f->planes + FN(room)) * sizeof(real)));
}

static size_t FN(conv2d_scratch)(const mg_conv_args *p, int which) {
    if (which == MG_CONV_WEIGHT) return FN(weight_scratch)(p);
    size_t most = 0;
    for (size_t r = 0; r < phases_of(&p->axis[0], which); r++)
        for (size_t c = 0; c < phases_of(&p->axis[1], which); c++) {
            FN(phase) f = FN(phase_of)(p, which, r, c);
            const size_t bytes = FN(lay_out)(&f, NULL);
            if (bytes > most) most = bytes;
        }
    return most;
}

/* The filters of a phase as rows of a matrix, (groups, filters, k); a_row apart. */
static void FN(pack_filters)(const FN(phase) *f, int which, real *to) {
    const mg_conv_args *p = f->p;
    const mg_line *rows = &f->plane.rows, *columns = &f->plane.columns;
    const size_t wide = p->axis[1].kernel, taps = p->axis[0].kernel * wide;
    for (size_t row = 0; row < p->groups * f->filters; row++, to += f->a_row) {
        const size_t group = row / f->filters, m = row % f->filters;
        real *next = to;
        for (size_t d = 0; d < f->depth; d++) {
            const size_t o = which == MG_CONV ? m : d, c = which == MG_CONV ? d : m;
            const real *w = (const real *)p->w + ((group * p->out + o) * p->in + c) * taps;
            for (size_t t = 0; t < rows->taps; t++)
                for (size_t u = 0; u < columns->taps; u++)
                    *next++ = w[(rows->kernel_first + t * rows->kernel_step) * wide + columns->kernel_first +
                                u * columns->kernel_step];
        }
    }
}

static size_t FN(conv2d_filters)(const mg_conv_args *p, int which, void *to) {
    size_t used = 0;
    for (size_t r = 0; r < phases_of(&p->axis[0], which); r++)
        for (size_t c = 0; c < phases_of(&p->axis[1], which); c++) {
            const FN(phase) f = FN(phase_of)(p, which, r, c);
            if (which == MG_CONV && f.a_row == f.k) return 0;      /* w itself is such a matrix */
            if (to) FN(pack_filters)(&f, which, (real *)to + used);
            used += p->groups * f.filters * f.a_row;
        }
    return used * sizeof(real);
}

/* y = activation(y + bias) for m rows of n numbers; bias has one number for each row. */
static void FN(finish)(const mg_conv_args *p, const real *bias, size_t m, size_t n, real *y, size_t row) {
    if (!bias && !p->activation) return;
    for (size_t i = 0; i < m; i++, y += row) {
        const vec b = V(set1)(bias ? bias[i] : 0);
        for (size_t j = 0; j < n; j += W) {
            const size_t part = n - j < W ? n - j : W;
            vec x = V(load_part)(y + j, part);
            if (bias) x += b;
            V(store_part)(y + j, part, FN(activated)(p->activation, x));
        }
    }
}

#include "conv/in_place.h"

/* Writes the strip (m, n), the results of places first .. first + n of a phase, to these places of the result. */
static void FN(spread)(const FN(phase) *f, size_t m, size_t first, size_t n, real *result) {
    const mg_line *rows = &f->plane.rows, *columns = &f->plane.columns;
    for (size_t q = 0; q < n; q++) {
        const size_t i = (first + q) / columns->n * rows->step + rows->first;
        const size_t j = (first + q) % columns->n * columns->step + columns->first;
        for (size_t r = 0; r < m; r++)
            result[(r * f->result_rows + i) * f->result_columns + j] = f->strip[r * 2 * W + q];
    }
}

/* Rows k0 .. k0 + k of a panel: the numbers that these taps read. N is the number of moves as a constant, or 0: then it
   is `count`. */
INLINE void FN(pack_by)(const FN(phase) *f, const FN(move) *moves, size_t count, size_t k0, size_t k, size_t width,
                        const int N) {
    const size_t taps = f->plane.rows.taps * f->plane.columns.taps;
    const real *plane = f->source + k0 / taps * f->planes;
    real *to = f->panel;
    for (size_t t = k0 % taps; k > 0; k--, to += width) {
        const real *from = plane + f->at[t];
        if (N) UNROLL for (int i = 0; i < N; i++) V(store)(to + moves[i].at, V(load)(from + moves[i].from));
        else for (size_t i = 0; i < count; i++) V(store)(to + moves[i].at, V(load)(from + moves[i].from));
        if (++t == taps) t = 0, plane += f->planes;
    }
}

NOINLINE static void FN(pack_taps)(const FN(phase) *f, const FN(move) *m, size_t count, size_t k0, size_t k,
                                   size_t width) {
    if (k == 0) return;
    switch (count) {
    case 1: FN(pack_by)(f, (FN(move)[1]){m[0]}, 1, k0, k, width, 1); break;
    case 2: FN(pack_by)(f, (FN(move)[2]){m[0], m[1]}, 2, k0, k, width, 2); break;
    case 3: FN(pack_by)(f, (FN(move)[3]){m[0], m[1], m[2]}, 3, k0, k, width, 3); break;
    case 4: FN(pack_by)(f, (FN(move)[4]){m[0], m[1], m[2], m[3]}, 4, k0, k, width, 4); break;
    default: FN(pack_by)(f, m, count, k0, k, width, 0);
    }
}

/* Computes places first .. first + n, at most 2 W, for all filters of a group. */
static void FN(panel_of_places)(const FN(phase) *f, const real *a, const real *bias, const real *source, size_t first,
                                size_t n, real *result) {
    const size_t places = f->result_rows * f->result_columns, width = n > W ? 2 * W : W;
    const int stepped = f->plane.rows.step > 1 || f->plane.columns.step > 1;
    FN(move) moves[2 * W];
    const size_t count = f->direct ? 0 : FN(moves_of)(&f->plane, first, n, moves);
    FN(tile_args) t = {
        .n = n, .a_row = (ptrdiff_t)f->a_row, .a_col = 1, .b_last = (ptrdiff_t)n - W,
        .c = stepped ? f->strip : result + first, .c_row = stepped ? 2 * W : (ptrdiff_t)places,
    };
    size_t k0 = 0;
    do {
        const size_t k = f->k - k0 < FN(chunk) ? f->k - k0 : FN(chunk);
        t.k = k, t.a = a + k0, t.add = k0 > 0, t.b = f->panel, t.b_row = (ptrdiff_t)width;
        if (f->direct) {
            const size_t apart = f->plane.rows.source * f->plane.columns.source;
            const real *b = source + k0 * apart + first;
            const int in_place = n >= W && f->filters <= 2 * ROWS_2 && apart * sizeof(real) % 2048;
            if (in_place) t.b = b, t.b_row = (ptrdiff_t)apart;
            else FN(pack_panel)(k, n, b, (ptrdiff_t)apart, 1, f->panel);
            t.b_last = in_place ? (ptrdiff_t)n - W : W;
        } else FN(pack_taps)(f, moves, count, k0, k, width);
        FN(even_tiles)(t, f->filters);
    } while ((k0 += FN(chunk)) < f->k);
    if (stepped) FN(spread)(f, f->filters, first, n, result);
    else FN(finish)(f->p, bias, f->filters, n, t.c, places);
}

/* --- groups with few filters: no panel, because no tile would read it a second time --- */

typedef struct {
    const size_t *at;
    const real *planes, *a;                 /* planes: at the first place of the block */
    size_t taps, plane, row, k0, k, n;      /* row: to the next row of places; n: width of a block */
    real *c;
    size_t c_row;
    int add;
} FN(block_args);

/* R rows of one or two vectors of places; the second ends where the block ends. */
INLINE void FN(block)(const FN(block_args) *t, const int R, const int V_) {
    const size_t last = V_ == 2 ? t->n - W : 0, row = t->row;
    const real *plane = t->planes + t->k0 / t->taps * t->plane;
    vec sum[8] = {{0}};
    for (size_t k = t->k0, u = t->k0 % t->taps; k < t->k0 + t->k; k++) {
        const real *x = plane + t->at[u];
        const vec w = V(set1)(t->a[k]);
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int v = 0; v < V_; v++)
                sum[r * V_ + v] = V(fma)(w, V(load)(x + r * row + (v ? last : 0)), sum[r * V_ + v]);
        if (++u == t->taps) u = 0, plane += t->plane;
    }
    const size_t n = V_ == 2 ? W : t->n;    /* the two vectors may overlap: all are read before one is written */
#define EACH_SUM UNROLL for (int r = 0; r < R; r++) UNROLL for (int v = 0; v < V_; v++)
#define AT (r * t->c_row + (v ? last : 0))
    if (t->add) EACH_SUM sum[r * V_ + v] = V(load_part)(t->c + AT, n) + sum[r * V_ + v];
    EACH_SUM V(store_part)(t->c + AT, n, sum[r * V_ + v]);
#undef EACH_SUM
#undef AT
}

/* The same for kernels of 3 rows whose windows are 1 row apart: 4 rows of places share 6 rows of the plane, and each of
   these is read once. Every sum adds its taps in the same order as in `block`. Of `at`, only the first row of taps
   is used. */
INLINE void FN(sliding_block)(const FN(block_args) *t, const int V_) {
    const size_t last = V_ == 2 ? t->n - W : 0, wide = t->taps / 3, n = V_ == 2 ? W : t->n;
    vec sum[8] = {{0}};
    const real *plane = t->planes, *a = t->a;
    for (size_t k = 0; k < t->k; k += t->taps, a += t->taps, plane += t->plane)
        UNROLL for (int row = 0; row < 6; row++)
            for (size_t u = 0; u < wide; u++) {
                const real *x = plane + (size_t)row * t->row + t->at[u];
                vec seen[2];
                UNROLL for (int v = 0; v < V_; v++) seen[v] = V(load)(x + (v ? last : 0));
                UNROLL for (int tap = 0; tap < 3; tap++) {
                    const int r = row - tap;
                    if (r < 0 || r > 3) continue;
                    const vec w = V(set1)(a[(size_t)tap * wide + u]);
                    UNROLL for (int v = 0; v < V_; v++) sum[r * V_ + v] = V(fma)(w, seen[v], sum[r * V_ + v]);
                }
            }
    UNROLL for (int r = 0; r < 4; r++)
        UNROLL for (int v = 0; v < V_; v++)
            V(store_part)(t->c + r * t->c_row + (v ? last : 0), n, sum[r * V_ + v]);
}

NOINLINE static void FN(blocks_of)(const FN(block_args) *t, size_t rows, int slides) {
    if (slides && rows == 4 && t->n > W) FN(sliding_block)(t, 2);
    else if (slides && rows == 4) FN(sliding_block)(t, 1);
    else if (rows == 4 && t->n > W) FN(block)(t, 4, 2);
    else if (rows == 4) FN(block)(t, 4, 1);
    else if (t->n > W) FN(block)(t, 1, 2);
    else FN(block)(t, 1, 1);
}

/* Computes rows first .. first + n of the places, for filter m. */
static void FN(rows_of_places)(const FN(phase) *f, const real *a, const real *bias, size_t m, size_t first, size_t n,
                               real *result) {
    const mg_plane *q = &f->plane;
    const int stepped = q->rows.step > 1 || q->columns.step > 1;
    FN(block_args) t = {.at = f->at, .a = a + m * f->a_row, .taps = q->rows.taps * q->columns.taps, .plane = f->planes,
                        .row = mg_row_step(q), .c_row = stepped ? 2 * W : f->result_columns};
    const int slides = q->rows.taps == 3 && q->rows.stride == 1 && q->rows.tap == 1 && f->k <= FN(chunk);
    if (t.taps == 0) t.taps = 1;            /* k is 0 as well: no tap is read */
    result += m * f->result_rows * f->result_columns;
    for (size_t i = first, rows; i < first + n; i += rows) {
        rows = first + n - i >= 4 ? 4 : 1;
        for (size_t j = 0; j < q->columns.n; j += 2 * W) {
            t.n = q->columns.n - j < 2 * W ? q->columns.n - j : 2 * W;
            t.planes = f->source + i * t.row + j;
            t.c = stepped ? f->strip : result + i * f->result_columns + j;
            t.k0 = 0;
            do {
                t.k = f->k - t.k0 < FN(chunk) ? f->k - t.k0 : FN(chunk), t.add = t.k0 > 0;
                FN(blocks_of)(&t, rows, slides);
            } while ((t.k0 += FN(chunk)) < f->k);
            if (!stepped) continue;
            for (size_t r = 0; r < rows; r++)
                for (size_t c = 0; c < t.n; c++)
                    result[((i + r) * q->rows.step + q->rows.first) * f->result_columns +
                           (j + c) * q->columns.step + q->columns.first] = f->strip[r * 2 * W + c];
        }
    }
    if (!stepped)
        FN(finish)(f->p, bias ? bias + m : NULL, 1, n * f->result_columns, result + first * f->result_columns, 0);
}

/* --- all units of a part --- */

static void FN(unit)(const FN(phase) *f, const real *a, const real *bias, const real *source, size_t slice,
                     size_t slices, real *result) {
    const size_t rows = f->plane.rows.n, columns = f->plane.columns.n;
    if (!f->direct)
        for (size_t d = 0; d < f->depth && f->k; d++)
            FN(fill_plane)(&f->plane, 0, f->plane.height, source + d * f->plane.rows.source * f->plane.columns.source,
                           f->source + d * f->planes);
    if (f->in_place) {                      /* the vectors of whole rows, so that no two slices write one place */
        const size_t each = (columns + W - 1) / W, first = rows * slice / slices;
        /* The lanes behind the last row are computed, though not stored. They are set to 0, because denormal numbers
           would be slow. */
        memset(f->source + f->depth * f->planes, 0, FN(room) * sizeof(real));
        FN(vectors_in_place)(f, a, bias, first * each, (rows * (slice + 1) / slices - first) * each, result);
        return;
    }
    if (f->filters <= FEW) {
        const size_t first = rows * slice / slices;
        for (size_t m = 0; m < f->filters; m++)
            FN(rows_of_places)(f, a, bias, m, first, rows * (slice + 1) / slices - first, result);
        return;
    }
    const size_t places = rows * columns, panels = (places + 2 * W - 1) / (2 * W);
    for (size_t i = panels * slice / slices; i < panels * (slice + 1) / slices; i++) {
        const size_t first = i * 2 * W;
        FN(panel_of_places)(f, a, bias, source, first, places - first < 2 * W ? places - first : 2 * W, result);
    }
}

static void FN(gather)(const mg_conv_args *p, int which, const real *filters, size_t first, size_t n, size_t slice,
                       size_t slices, void *scratch) {
    const int forward = which == MG_CONV, packed = filters != NULL;
    const real *a = packed ? filters : p->w, *sources = forward ? p->x : p->y;
    for (size_t r = 0; r < phases_of(&p->axis[0], which); r++)
        for (size_t c = 0; c < phases_of(&p->axis[1], which); c++) {
            FN(phase) f = FN(phase_of)(p, which, r, c);
            const mg_line *rows = &f.plane.rows, *columns = &f.plane.columns;
            FN(lay_out)(&f, scratch);
            if (!packed) f.a_row = f.k;
            for (size_t t = 0; t < rows->taps * columns->taps; t++)
                f.at[t] = mg_tap_at(&f.plane, t / columns->taps, t % columns->taps);
            for (size_t k = 0; f.in_place && k < f.k; k++)
                f.where[k] = (uint32_t)(k / (rows->taps * columns->taps) * f.planes + f.at[k % (rows->taps * columns->taps)]);
            for (size_t unit = first; unit < first + n && rows->n > 0 && columns->n > 0; unit++) {
                const size_t group = unit % p->groups * f.filters;
                const real *bias = p->bias && forward ? (const real *)p->bias + group : NULL;
                FN(unit)(&f, a + group * f.a_row, bias, sources + unit * f.depth * rows->source * columns->source, slice,
                         slices, (real *)p->result + unit * f.filters * f.result_rows * f.result_columns);
            }
            a += p->groups * f.filters * f.a_row;
        }
}

static void FN(conv2d)(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice, size_t slices,
                       void *scratch) {
    FN(gather)(p, MG_CONV, filters, first, n, slice, slices, scratch);
}

static void FN(conv2d_input)(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice,
                             size_t slices, void *scratch) {
    FN(gather)(p, MG_CONV_INPUT, filters, first, n, slice, slices, scratch);
}

#endif
