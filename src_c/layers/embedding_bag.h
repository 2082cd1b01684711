/* Sums, means and maxima of rows of a table, for each bag of entries: the arguments of the kernels, and the table of
   one variant.

   Bag b has the entries from offsets[b] up to the first of the next bag, or to n; without offsets each entry is a bag.
   An entry whose index is `skip` is left out; if skip is -1, none is. */
#ifndef MG_EMBEDDING_BAG_H
#define MG_EMBEDDING_BAG_H
#include <stddef.h>
#include <stdint.h>

enum { MG_BAG_SUM, MG_BAG_MEAN, MG_BAG_MAX };

typedef struct {
    size_t bags, n, entries, width;
    const void *weight;                     /* (entries, width); what embedding_bag and embedding_bag_dots read */
    const void *g;                          /* (bags, width); what the gradients read */
    const void *scale;                      /* (n), a factor for each entry of a sum; or NULL */
    const int64_t *index, *offsets;
    void *out;                              /* (bags, width); of the gradient (entries, width), of dots (n) */
    int64_t *largest;                       /* (bags, width): the row that a maximum is from, -1 in an empty bag */
    int64_t skip;
    int mode, precision;
} mg_embedding_bag_args;

/* By precision; n bags from `first` on, or, in embedding_bag_grad, n columns of all bags. */
typedef void (*mg_bags)(const mg_embedding_bag_args *p, size_t first, size_t n);
typedef struct {
    mg_bags embedding_bag[2], embedding_bag_grad[2], embedding_bag_dots[2];
} mg_embedding_bag_table;

extern const mg_embedding_bag_table *const mg_embedding_bag_tables[];

static inline size_t mg_bag_start(const mg_embedding_bag_args *p, size_t bag) {
    return bag >= p->bags ? p->n : p->offsets ? (size_t)p->offsets[bag] : bag;
}

#endif
