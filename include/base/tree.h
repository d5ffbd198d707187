/* tree.h: everything below a directory with its stat, in byte order of the paths. Nothing but directories is opened. Any thread. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct TreeEntry {
    char *path; /* relative to the directory, owned by the list */
    bool is_directory, executable;
    bool is_junk;    /* no part of the content */
    uint64_t size, dev, ino;
    int64_t mtime_ns, ctime_ns;
} TreeEntry;

/* Zero-initialise. */
typedef struct TreeList {
    TreeEntry *items; /* regular files and directories, sorted as strcmp sorts the paths */
    size_t count, cap;
    uint64_t dev, ino;    /* of the directory itself */
    uint64_t bytes;       /* sum of the file sizes */
    uint64_t files;       /* how many of the entries are regular files */
    int64_t newest_ns;    /* the latest mtime of a file */
    uint64_t fingerprint; /* over path, type, size, mtime, ctime and inode of every entry */
    /* Junk is in none of these sums. */
    bool has_junk;
    bool has_odd_junk;    /* some of it is not listed: links, special files, what cannot be read */
    size_t left;          /* entries that were left out */
    struct TreeWhole {
        uint64_t bytes, fingerprint;
        int64_t newest_ns;
    } whole;              /* the sums with the junk that is listed */
} TreeList;

enum TreeFlag {
    TREE_FOLLOW_LINKS = 1, /* symlinks that stay below the directory count as what they point to */
    TREE_INTERRUPTIBLE = 2 /* a signal that asked to end is looked for at every entry */
};

typedef enum TreeVerdict {
    TREE_TAKE,
    TREE_JUNK,            /* listed, with all below it, as is_junk; nothing about it is an error */
    TREE_JUNK_IF_NO_MORE, /* of a directory: junk, unless something below it is taken */
    TREE_LEAVE            /* neither listed nor entered */
} TreeVerdict;

/* What becomes of an entry; path: relative to the directory. */
typedef TreeVerdict (*TreeJudgeFn)(const void *ctx, const char *path, bool is_directory);

typedef struct TreeRules {
    unsigned flags;    /* TreeFlag bits */
    TreeJudgeFn judge; /* NULL = everything is taken */
    const void *ctx;
    int link_root;         /* links that stay below this open directory are followed, too; where `dir` itself is in it … */
    const char *link_path; /* … ; NULL = only those that stay below `dir` */
} TreeRules;

bool tree_list_by(int dir, const TreeRules *rules, TreeList *out, Err *err);

/* dir: open descriptor of the directory, borrowed. flags: TreeFlag bits. ERR_SKIP, the path inside `dir` in the text: unreadable,
 * symlink, special file, no regular file at all. ERR_STOP no memory. ERR_INTERRUPTED. */
bool tree_list(int dir, unsigned flags, TreeList *out, Err *err);
bool tree_same(const TreeList *a, const TreeList *b);
void tree_list_free(TreeList *list);

#endif
