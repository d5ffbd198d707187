/* The tar reader: whatever comes in, only safe members within the limits come out, each whole. */
#include <string.h>

#include "fuzz.h"
#include "port/tar.h"

#define MAX_BYTES ((uint64_t)1 << 20)

typedef struct Feed {
    const uint8_t *data;
    size_t left, piece;
    bool ended;
} Feed;

typedef struct Seen {
    uint64_t members, bytes;
    uint64_t owed; /* bytes of the open file that did not come yet */
    bool in_file;
} Seen;

static bool next_piece(void *ctx, const void **data, size_t *len, Err *err)
{
    Feed *feed = ctx;
    (void)err;
    fuzz_assert(!feed->ended); /* asked again after the end */
    *len = feed->left < feed->piece ? feed->left : feed->piece;
    *data = feed->data;
    feed->data += *len;
    feed->left -= *len;
    feed->ended = *len == 0;
    return true;
}

static void check_path(const char *path)
{
    fuzz_assert(path[0] != '\0' && strlen(path) <= TAR_PATH_MAX);
    for (const char *at = path;; at++) {
        size_t part = strcspn(at, "/");
        fuzz_assert(part > 0 && !(part == 1 && at[0] == '.') && !(part == 2 && at[0] == '.' && at[1] == '.'));
        at += part;
        if (*at == '\0')
            return;
    }
}

static bool see_member(void *ctx, const TarMember *member, Err *err)
{
    Seen *seen = ctx;
    (void)err;
    fuzz_assert(!seen->in_file);
    check_path(member->path);
    fuzz_assert(!member->is_directory || (member->bytes == 0 && !member->executable));
    seen->in_file = !member->is_directory;
    seen->owed = member->bytes;
    fuzz_assert(++seen->members <= TAR_MEMBERS_MAX);
    return true;
}

static bool see_data(void *ctx, const void *data, size_t len, Err *err)
{
    Seen *seen = ctx;
    (void)err;
    fuzz_assert(seen->in_file && len <= seen->owed && (data == NULL) == (len == 0));
    seen->owed -= len;
    seen->bytes += len;
    fuzz_assert(seen->bytes <= MAX_BYTES);
    if (data == NULL) {
        fuzz_assert(seen->owed == 0);
        seen->in_file = false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    Feed feed = {.data = data, .left = size, .piece = size % 1000 + 1};
    Seen seen = {0};
    TarVisitor visitor = {.member = see_member, .data = see_data, .ctx = &seen};
    bool ok = tar_read(next_piece, &feed, MAX_BYTES, &visitor, &err);
    fuzz_assert(ok ? feed.ended && !seen.in_file && seen.members > 0 : err.cls == ERR_SKIP && err.text[0] != '\0');
    return 0;
}
