/* The plain meaning of conv.c: one element at a time. Variant `naive`.
   A sum is cut into chunks of 4 KiB; each chunk is one chain of fma from +0, and the chunks are added in order. The
   terms of conv2d are (c, t, u) rising: channels of x, then rows, then columns of the kernel. Those of conv2d_input are
   (o, t, u) rising, without the taps that skip the element because of the stride. Terms outside of x or y are 0, and
   are added too. Those of conv2d_weight are (sample, row, column of y) rising; if a group has up to MG_FEW channels of
   y, a chunk is some samples and has 32 chains, lane j mod 32 for column j, added by halves. */
#ifndef real
#include "math/exp_log_tanh_naive.h"
#include "conv/conv.h"

enum { MG_FEW = 3 };

/* The place of x that tap t reads for place i of y, or -1 outside. */
static ptrdiff_t place(const mg_conv_axis *a, size_t i, size_t t) {
    const ptrdiff_t at = (ptrdiff_t)(i * a->stride + t * a->dilation) - (ptrdiff_t)a->padding;
    return at < (ptrdiff_t)a->x ? at : -1;
}

/* Whether tap t reads place h of x for some place of y. That place is *i, or *i is -1 if it is outside of y. */
static int meets(const mg_conv_axis *a, size_t h, size_t t, ptrdiff_t *i) {
    const ptrdiff_t far = (ptrdiff_t)(h + a->padding) - (ptrdiff_t)(t * a->dilation);
    if (far % (ptrdiff_t)a->stride) return 0;
    *i = far / (ptrdiff_t)a->stride;
    if (*i < 0 || *i >= (ptrdiff_t)a->y) *i = -1;
    return 1;
}

#define MG_SOURCE "conv/conv_naive.c"
#include "base/mg_both.h"

const mg_conv_table MG_TABLE(conv) = {
    .conv2d_scratch = {mg_conv2d_scratch_f32, mg_conv2d_scratch_f64},
    .conv2d_filters = {mg_conv2d_filters_f32, mg_conv2d_filters_f64},
    .conv2d = {mg_conv2d_f32, mg_conv2d_f64},
    .conv2d_input = {mg_conv2d_input_f32, mg_conv2d_input_f64},
    .conv2d_weight = {mg_conv2d_weight_f32, mg_conv2d_weight_f64},
};

#else

#define NAIVE(name) MG_CAT(naive_##name##_f, real_bits)
enum { FN(chunk) = 4096 / sizeof(real) };

static size_t FN(conv2d_scratch)(const mg_conv_args *p, int which) {
    (void)p, (void)which;
    return 0;
}

static size_t FN(conv2d_filters)(const mg_conv_args *p, int which, void *to) {
    (void)p, (void)which, (void)to;
    return 0;
}

/* A sum that grows by a term at a time: the chunks before this one, and the chain of this one. */
typedef struct {
    real sum, chain;
    size_t terms;
} FN(chunked);

static void FN(add_term)(FN(chunked) *s, real a, real b) {
    if (s->terms && s->terms % FN(chunk) == 0) {
        s->sum = s->terms == FN(chunk) ? s->chain : s->sum + s->chain;
        s->chain = 0;
    }
    s->chain = REAL_FMA(a, b, s->chain);
    s->terms++;
}

static real FN(total)(const FN(chunked) *s) { return s->terms > FN(chunk) ? s->sum + s->chain : s->chain; }

static real FN(finished)(const mg_conv_args *p, size_t channel, real sum) {
    if (p->bias) sum += ((const real *)p->bias)[channel];
    switch (p->activation) {
    case MG_ACT_RELU: return sum > 0 || isnan(sum) ? sum : 0;
    case MG_ACT_TANH: return NAIVE(tanh)(sum);
    case MG_ACT_SIGMOID: return NAIVE(sigmoid)(sum);
    }
    return sum;
}

static void FN(conv2d)(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice, size_t slices,
                       void *scratch) {
    (void)filters, (void)scratch;
    const mg_conv_axis *h = &p->axis[0], *v = &p->axis[1];
    const size_t places = h->y * v->y, taps = h->kernel * v->kernel;
    for (size_t unit = first; unit < first + n; unit++)
        for (size_t o = 0; o < p->out; o++)
            for (size_t q = places * slice / slices; q < places * (slice + 1) / slices; q++) {
                const size_t channel = unit % p->groups * p->out + o;
                const real *x = (const real *)p->x + unit * p->in * h->x * v->x;
                const real *w = (const real *)p->w + channel * p->in * taps;
                FN(chunked) s = {0};
                for (size_t c = 0; c < p->in; c++)
                    for (size_t t = 0; t < h->kernel; t++)
                        for (size_t u = 0; u < v->kernel; u++) {
                            const ptrdiff_t i = place(h, q / v->y, t), j = place(v, q % v->y, u);
                            const real other = i < 0 || j < 0 ? 0 : x[(c * h->x + (size_t)i) * v->x + (size_t)j];
                            FN(add_term)(&s, w[c * taps + t * v->kernel + u], other);
                        }
                ((real *)p->result)[(unit * p->out + o) * places + q] = FN(finished)(p, channel, FN(total)(&s));
            }
}

static void FN(conv2d_input)(const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t slice,
                             size_t slices, void *scratch) {
    (void)filters, (void)scratch;
    const mg_conv_axis *h = &p->axis[0], *v = &p->axis[1];
    const size_t places = h->x * v->x, taps = h->kernel * v->kernel;
    for (size_t unit = first; unit < first + n; unit++)
        for (size_t c = 0; c < p->in; c++)
            for (size_t q = places * slice / slices; q < places * (slice + 1) / slices; q++) {
                const real *y = (const real *)p->y + unit * p->out * h->y * v->y;
                const real *w = (const real *)p->w + (unit % p->groups * p->out * p->in + c) * taps;
                FN(chunked) s = {0};
                for (size_t o = 0; o < p->out; o++)
                    for (size_t t = 0; t < h->kernel; t++)
                        for (size_t u = 0; u < v->kernel; u++) {
                            ptrdiff_t i, j;
                            if (!meets(h, q / v->x, t, &i) || !meets(v, q % v->x, u, &j)) continue;
                            const real other = i < 0 || j < 0 ? 0 : y[(o * h->y + (size_t)i) * v->y + (size_t)j];
                            FN(add_term)(&s, w[o * p->in * taps + t * v->kernel + u], other);
                        }
                ((real *)p->result)[(unit * p->in + c) * places + q] = FN(total)(&s);
            }
}

/* x times y's gradient for one tap of channel `channel` of x and filter o of its group, at place (i, j) of y. */
static real FN(add_product)(const mg_conv_args *p, size_t sample, size_t channel, size_t o, size_t t, size_t u, size_t i,
                            size_t j, real sum) {
    const mg_conv_axis *h = &p->axis[0], *v = &p->axis[1];
    const ptrdiff_t row = place(h, i, t), column = place(v, j, u);
    const real *x = (const real *)p->x + (sample * p->groups * p->in + channel) * h->x * v->x;
    const real *y = (const real *)p->y + ((sample * p->groups + channel / p->in) * p->out + o) * h->y * v->y;
    return REAL_FMA(row < 0 || column < 0 ? 0 : x[(size_t)row * v->x + (size_t)column], y[i * v->y + j], sum);
}

/* The gradient of one tap: chains over chunks of all places of all samples. */
static real FN(tap_gradient)(const mg_conv_args *p, size_t channel, size_t o, size_t t, size_t u) {
    const size_t width = p->axis[1].y, places = p->axis[0].y * width, terms = p->samples * places;
    real sum = 0;
    for (size_t first = 0; first < terms; first += FN(chunk)) {
        real chain = 0;
        for (size_t q = first; q < terms && q < first + FN(chunk); q++)
            chain = FN(add_product)(p, q / places, channel, o, t, u, q % places / width, q % width, chain);
        sum = first == 0 ? chain : sum + chain;
    }
    return sum;
}

/* The same for few filters: 32 chains, lane j mod 32 for column j, where rows are extended with zeros to a multiple of
   32. A chunk is as many whole samples as fit into it, at least one. */
static real FN(few_gradient)(const mg_conv_args *p, size_t channel, size_t o, size_t t, size_t u) {
    const size_t places = p->axis[0].y * p->axis[1].y, whole = places ? FN(chunk) / places : 0;
    const size_t at_once = whole < 1 ? 1 : whole;
    real sum = 0;
    for (size_t first = 0; first < p->samples && places > 0; first += at_once) {
        real lane[32] = {0};
        for (size_t sample = first; sample < p->samples && sample < first + at_once; sample++)
            for (size_t i = 0; i < p->axis[0].y; i++)
                for (size_t j = 0; j < (p->axis[1].y + 31) / 32 * 32; j++)
                    lane[j % 32] = j < p->axis[1].y ? FN(add_product)(p, sample, channel, o, t, u, i, j, lane[j % 32])
                                                    : REAL_FMA(0, 0, lane[j % 32]);
        for (int half = 16; half > 0; half /= 2)
            for (int l = 0; l < half; l++) lane[l] += lane[l + half];
        sum = first == 0 ? lane[0] : sum + lane[0];
    }
    return sum;
}

static void FN(conv2d_weight)(const mg_conv_args *p, size_t first, size_t n, void *scratch) {
    (void)scratch;
    const size_t rows = p->axis[0].kernel, columns = p->axis[1].kernel;
    for (size_t channel = first; channel < first + n; channel++)
        for (size_t o = 0; o < p->out; o++) {
            const size_t filter = channel / p->in * p->out + o;
            real *to = (real *)p->result + (filter * p->in + channel % p->in) * rows * columns;
            for (size_t t = 0; t < rows; t++)
                for (size_t u = 0; u < columns; u++)
                    to[t * columns + u] = p->out > MG_FEW ? FN(tap_gradient)(p, channel, o, t, u)
                                                          : FN(few_gradient)(p, channel, o, t, u);
        }
}

#undef NAIVE
#endif
