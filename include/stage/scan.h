/* scan.h: finds the models of a tree. Opens directories only, never a file, and never blocks on one. One thread. */
#ifndef STAGE_SCAN_H
#define STAGE_SCAN_H

#include "stage/model.h"

typedef struct ScanRules {
    const char *const *patterns;     /* model files; NULL-terminated */
    const char *const *dir_patterns; /* model directories */
    const char *const *includes;     /* none = all; matched on the model's path by text_glob */
    const char *const *excludes;     /* win over includes; an excluded directory is not entered */
    bool follow_links;               /* -L: symlinks that stay below the root, each target once */
} ScanRules;

/* Walks the tree below the open directory `root`. Adds one entry per model, in byte order of the paths, with path, kind, dir_type, stamp and
 * suffix_len set; what cannot be a model but looks like one (symlink, FIFO, socket, device, zero bytes, unreadable directory) is added as
 * MODEL_SKIPPED (symlink) or MODEL_FAILED with its reason. Files that match no pattern are left out.
 * A directory is one model when its name matches a dir pattern or it holds a marker: MLmodel; saved_model.pb; modules.json; topics.json;
 * config.json beside *.safetensors or *.bin. The root itself never is. A symlink or special file inside a directory model makes it fail.
 * suffix_len: the literal tail of the pattern that matched (`*.joblib` = 7), or the last extension when the pattern ends in a glob.
 * errors: ERR_STOP the root cannot be read, no memory. */
bool scan_tree(int root, const ScanRules *rules, ModelList *out, Err *err);

/* Stat of everything inside one directory model, as the scan made it. For the packer, before and after it reads.
 * member gets every regular file and directory below `dir`, sorted by path as strcmp does; may be NULL. */
typedef struct Member {
    char *path; /* relative to the model directory */
    bool is_directory, executable;
    uint64_t size;
    int64_t mtime_ns;
    uint64_t dev, ino;
    int64_t ctime_ns;
} Member;

typedef struct MemberList {
    Member *items;
    size_t count, cap;
} MemberList;

/* dir: an open descriptor of the model directory (borrowed). ERR_SKIP: unreadable, symlink or special file inside. */
bool scan_members(int dir, bool follow_links, MemberList *out, Stamp *stamp, Err *err);
void member_list_free(MemberList *list);

#endif
