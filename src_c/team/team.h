/* A team of threads: the caller and its helpers compute the parts of one job. The team lives once, in the module
   `runtime`. */
#ifndef MG_TEAM_H
#define MG_TEAM_H

#include <stddef.h>

typedef void (*mg_part)(const void *args, size_t i);

/* part(args, i) for every i below parts, each once, in any order: by the caller, and by the helpers that come in
   time. `work` is the size of the whole job, in elements that are read, computed on a little and written. Returns 0,
   or -1 if the system gives the team fewer threads than mg_team_resize asked for: then all parts are computed by the
   threads that there are. */
int mg_team_share(size_t work, size_t parts, mg_part part, const void *args);

/* From now on the team has so many members, the caller being one. Helpers beyond that end as soon as they are idle;
   helpers that are missing begin with the next job. */
void mg_team_resize(int members);

/* How many members the team may have: what mg_team_resize asked for, or what the system gave. 1 at first. */
int mg_team_members(void);

/* How many helpers there are now. */
int mg_team_helpers(void);

#endif
