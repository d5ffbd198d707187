/* left_out.h: what a scan passed over, counted by kind, so that no report is silent about it. One thread. */
#ifndef MODEL_LEFT_OUT_H
#define MODEL_LEFT_OUT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define LEFT_OUT_EXAMPLES 3

typedef struct LeftOutKind {
    const char *pattern; /* "*.pkl", "*.pkl.gz", "pickle without suffix", "without suffix", "other" */
    uint64_t count;
} LeftOutKind;

/* Zero-initialise, but for keep_paths. */
typedef struct LeftOut {
    VEC(LeftOutKind) kinds; /* the most frequent first once left_out_sort was called */
    uint64_t files;         /* files that no pattern takes: the sum of the kinds */
    uint64_t hidden;        /* folders that are not entered because of their names, and files that a pattern would take */
    uint64_t excluded;      /* what the user's own selection passed over: files that a pattern takes, and folders */
    const char *hidden_examples[LEFT_OUT_EXAMPLES]; /* paths */
    VEC(const char *) paths; /* of the files, with keep_paths */
    VEC(const char *) notes; /* warnings about the tree as a whole, without a path in front */
    bool keep_paths;
    Arena arena;
} LeftOut;

/* A file at `path` (relative) that no pattern takes. is_pickle: it has no suffix and begins as a pickle. ERR_STOP without
 * memory. */
bool left_out_file(LeftOut *out, const char *path, bool is_pickle, Err *err);

bool left_out_hidden(LeftOut *out, const char *path, Err *err);

bool left_out_note(LeftOut *out, Err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

void left_out_sort(LeftOut *out);
void left_out_free(LeftOut *out);

/* The kind that a file of this name is counted under, "" when its suffix is no word of at most 12 letters and digits. */
const char *left_out_pattern(char out[32], const char *path);

/* Do files of that kind hold models as a rule? What people keep beside them (csv, json, png) does not. */
bool left_out_may_be_models(const char *pattern);

#endif
