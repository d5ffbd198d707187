#include "whole.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "members.h"

static bool make(Sha256 **sha, Err *err)
{
    if (*sha == NULL)
        *sha = sha256_new(err);
    return *sha != NULL && sha256_reset(*sha, err);
}

bool whole_begin(Whole *whole, const TreeList *list, Err *err)
{
    whole->is_on = whole->is_wanted && list->has_junk && !list->has_odd_junk;
    return !whole->is_on || (make(&whole->content, err) && make(&whole->members, err) && make(&whole->file, err));
}

/* Junk that cannot be read, or that changes, makes the digests void, not the model. */
static bool hash_file(Whole *whole, int dir, const TreeEntry *entry, void *piece, size_t piece_size, Digest *out, Err *err)
{
    int fd = fs_open_beneath(dir, entry->path, O_RDONLY | O_NONBLOCK, false);
    uint64_t done = 0;
    ssize_t got = fd >= 0 ? 0 : -1;
    bool ok = sha256_reset(whole->file, err);
    while (ok && fd >= 0 && (got = fs_read(fd, piece, piece_size)) > 0) {
        done += (uint64_t)got;
        ok = sha256_add(whole->file, piece, (size_t)got, err) && interrupt_check(err);
    }
    if (fd >= 0)
        close(fd);
    whole->is_on = got == 0 && done == entry->size;
    return ok && sha256_end(whole->file, out, err);
}

bool whole_add(Whole *whole, int dir, const TreeEntry *entry, const Digest *digest, void *piece, size_t piece_size, Err *err)
{
    Digest own;
    if (!whole->is_on)
        return true;
    if (!members_add(whole->members, entry->path, entry->is_directory, entry->executable, err))
        return false;
    if (digest == NULL && !entry->is_directory) {
        if (!hash_file(whole, dir, entry, piece, piece_size, &own, err))
            return false;
        digest = &own;
    }
    return entry->is_directory || sha256_add_sum_line(whole->content, digest, entry->path, err);
}

bool whole_end(Whole *whole, Digest *content, Digest *members, Err *err)
{
    return !whole->is_on || (sha256_end(whole->content, content, err) && sha256_end(whole->members, members, err));
}

void whole_free(Whole *whole)
{
    sha256_free(whole->content);
    sha256_free(whole->members);
    sha256_free(whole->file);
    *whole = (Whole){0};
}
