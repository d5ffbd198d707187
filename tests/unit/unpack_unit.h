/* unpack_unit.h: models packed by the real packer, and what unpack is told of them. */
#ifndef UNPACK_UNIT_H
#define UNPACK_UNIT_H

#include "archive_unit.h"
#include "source/pack.h"
#include "source/unpack.h"

#define SOURCE_TIME_NS INT64_C(1700000000123456000)

/* One payload in memory, as a row holds it. */
typedef struct Row {
    StoredModel info;
    Buf payload;
} Row;

static inline void free_row(Row *row)
{
    buf_free(&row->payload);
}

/* A path below the test's folder; good for four calls. */
static inline const char *below(const char *name)
{
    static char paths[4][5000];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", unit_temp_dir(), name);
    return path;
}

/* Runs a script in the test's folder. */
static inline void shell(const char *script)
{
    char command[4000];
    int len = snprintf(command, sizeof command, "cd '%s' && { %s\n}", unit_temp_dir(), script);
    ck_assert(len > 0 && (size_t)len < sizeof command);
    run_command(command);
}

/* What a script prints there; the caller frees it. */
static inline char *shell_prints(const char *script)
{
    char command[4000];
    snprintf(command, sizeof command, "cd '%s' && { %s\n}", unit_temp_dir(), script);
    char *copy = strdup(printed(command));
    ck_assert_ptr_nonnull(copy);
    return copy;
}

/* Packs `name` of the test's folder. level 0 = as it is. */
static inline Row pack_row(const char *name, ModelKind kind, int level)
{
    Err err = {0};
    Packed packed;
    unsigned char scratch[4096];
    PackSettings settings = {.level = level, .memory_limit = (size_t)1 << 26, .temp_dir = unit_temp_dir(), .keep_payload = true};
    Model model = {.path = name, .name = name, .kind = (uint8_t)kind, .version = 1};
    Packer *packer = packer_new(&settings, &err);
    int root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    ck_assert(packer != NULL && root >= 0);
    ck_ok(pack_model(packer, root, &model, &packed, &err));
    Row row = {.info = {.name = name,
                        .version = 1,
                        .has_digests = true,
                        .content = packed.content,
                        .stored = packed.stored,
                        .raw_bytes = packed.raw_bytes,
                        .stored_bytes = packed.stored_bytes,
                        .is_tar = packed.is_tar,
                        .is_gzip = packed.is_gzip,
                        .source_mtime_ns = packed.stamp.mtime_ns}};
    const void *data;
    for (ptrdiff_t got; (got = spool_view(packed.payload, row.payload.len, sizeof scratch, scratch, &data, &err)) != 0;) {
        ck_assert_msg(got > 0, "%s", err.text);
        ck_ok(buf_append(&row.payload, data, (size_t)got, &err));
    }
    ck_assert_uint_eq(row.payload.len, packed.stored_bytes);
    close(root);
    packer_free(packer);
    return row;
}

static inline bool to_path(const Row *row, const char *dest, UnpackOptions options, Err *err)
{
    Pieces pieces = pieces_of(&row->payload, 1000);
    return unpack_to_path(&row->info, next_piece, &pieces, below(dest), &options, err);
}

static inline bool verify(const Row *row, Err *err)
{
    Pieces pieces = pieces_of(&row->payload, 1000);
    return unpack_verify(&row->info, next_piece, &pieces, NULL, err);
}

/* No temporary name is left in the folder. */
static inline void check_no_leftover(void)
{
    char *left = shell_prints("find . -name '.*restore-*'");
    ck_assert_str_eq(left, "");
    free(left);
}

#endif
