#include "model/stamp.h"

#include "base/clock.h"

Stamp stamp_of_stat(const struct stat *st)
{
    return (Stamp){.dev = st->st_dev,
                   .ino = st->st_ino,
                   .size = (uint64_t)st->st_size,
                   .mtime_ns = clock_timespec_ns(st->st_mtim),
                   .ctime_ns = clock_timespec_ns(st->st_ctim)};
}

Stamp stamp_of_tree(const TreeList *members)
{
    return (Stamp){.dev = members->dev,
                   .ino = members->ino,
                   .size = members->bytes,
                   .mtime_ns = members->newest_ns,
                   .ctime_ns = (int64_t)members->fingerprint};
}

Stamp stamp_of_whole_tree(const TreeList *members)
{
    return (Stamp){.dev = members->dev,
                   .ino = members->ino,
                   .size = members->whole.bytes,
                   .mtime_ns = members->whole.newest_ns,
                   .ctime_ns = (int64_t)members->whole.fingerprint};
}

bool stamp_is(const Stamp *now, const Stamp *then, unsigned except)
{
    return (now->dev == then->dev || (except & STAMP_ANY_DEVICE) != 0) && now->ino == then->ino && now->size == then->size &&
           now->mtime_ns == then->mtime_ns && (now->ctime_ns == then->ctime_ns || (except & STAMP_ANY_CTIME) != 0);
}
