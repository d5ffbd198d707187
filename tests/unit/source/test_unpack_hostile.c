/* The corpus of fixtures/make-hostile-archives, through the tar reader, the proof and the extraction. */
#include <sys/stat.h>

#include "../archive_unit.h"
#include "port/tar.h"
#include "source/unpack.h"

#define PIECE ((size_t)100000)

typedef struct Case {
    char name[64], content[80], tar_says[120], unpack_says[120];
    unsigned long long raw_bytes;
} Case;

static bool ignore_member(void *ctx, const TarMember *member, Err *err)
{
    (void)ctx;
    (void)member;
    (void)err;
    return true;
}

static bool ignore_data(void *ctx, const void *data, size_t len, Err *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return true;
}

/* Everything below the temporary folder but the corpus; the times of directories move whenever something is made in them. */
static char *snapshot(const char *dir)
{
    char command[700];
    snprintf(command, sizeof command,
             "cd '%s' && find box -type d -printf '%%p %%m %%U\\n' -o -printf '%%p %%y %%m %%U %%n %%s %%T@ %%C@ %%l\\n' | "
             "LC_ALL=C sort",
             dir);
    return printed(command);
}

static int wrong; /* outcomes that are not as the manifest says: all are shown before the test fails */

static void check_outcome(const Case *c, const char *step, bool ok, const Err *err, const char *says)
{
    bool wanted = strcmp(says, "ok") == 0;
    if (ok ? wanted : !wanted && err->cls == ERR_SKIP && strstr(err->text, says) != NULL)
        return;
    wrong++;
    fprintf(stderr, "%s, %s: %s: %s; should be: %s\n", c->name, step, ok ? "taken" : err_class_name(err->cls), err->text, says);
}

/* What was extracted has no bit beyond 0755 and our owner; then it goes. */
static void check_extracted(const Case *c, const char *dest)
{
    char command[700];
    snprintf(command, sizeof command, "find '%s' -perm /7022 -o ! -user $(id -u) -o ! -type f ! -type d", dest);
    const char *odd = printed(command);
    ck_assert_msg(odd[0] == '\0', "%s: %s", c->name, odd);
    snprintf(command, sizeof command, "rm -r '%s'", dest);
    run_command(command);
}

static void check_case(const Case *c, const char *dir, const char *before)
{
    Err err = {0};
    Buf archive = {0};
    char path[400], dest[400];
    struct stat st;
    TarVisitor visitor = {.member = ignore_member, .data = ignore_data};
    UnpackOptions options = {0};
    StoredModel info = {
        .name = c->name, .version = 1, .has_digests = true, .is_tar = true, .is_gzip = true, .raw_bytes = c->raw_bytes};
    snprintf(path, sizeof path, "%s/corpus/%s", dir, c->name);
    snprintf(dest, sizeof dest, "%s/box/work/dest", dir);
    ck_ok(fs_read_file(path, UINT64_MAX, &archive, &err));
    info.stored_bytes = archive.len;
    ck_ok(sha256_once(archive.data, archive.len, &info.stored, &err));
    ck_assert(digest_parse(c->content, &info.content));

    Pieces pieces = pieces_of(&archive, PIECE);
    err = (Err){0};
    bool ok = tar_read(next_piece, &pieces, c->raw_bytes, &visitor, &err);
    check_outcome(c, "tar_read", ok, &err, c->tar_says);

    pieces = pieces_of(&archive, PIECE);
    err = (Err){0};
    ok = unpack_verify(&info, next_piece, &pieces, NULL, &err);
    bool same = strcmp(c->unpack_says, "-") == 0 || strcmp(c->unpack_says, "cannot be created") == 0;
    check_outcome(c, "unpack_verify", ok, &err, same ? c->tar_says : c->unpack_says);

    if (strcmp(c->unpack_says, "-") == 0) {
        buf_free(&archive);
        return;
    }
    pieces = pieces_of(&archive, PIECE);
    err = (Err){0};
    ok = unpack_to_path(&info, next_piece, &pieces, dest, &options, &err);
    check_outcome(c, "unpack_to_path", ok, &err, c->unpack_says);
    ck_assert_msg(ok == (stat(dest, &st) == 0), "%s: destination", c->name);
    if (ok)
        check_extracted(c, dest);
    const char *after = snapshot(dir);
    ck_assert_msg(strcmp(before, after) == 0, "%s: something changed:\n%s\nwas\n%s", c->name, after, before);
    buf_free(&archive);
}

START_TEST(corpus)
{
    Err err = {0};
    Buf manifest = {0};
    char command[2000], path[300];
    const char *dir = unit_temp_dir(), *python = getenv("PYTHON");
    snprintf(command, sizeof command,
             "mkdir -p '%s/box/work' && echo secret >'%s/box/outside' && ln -s outside '%s/box/link' && "
             "%s fixtures/make-hostile-archives '%s/corpus' '%s/box/outside'",
             dir, dir, dir, python != NULL ? python : "/usr/bin/python3", dir, dir);
    run_command(command);
    umask(022);
    char *before = strdup(snapshot(dir));
    ck_assert_ptr_nonnull(before);
    snprintf(path, sizeof path, "%s/corpus/manifest", dir);
    ck_ok(fs_read_file(path, UINT64_MAX, &manifest, &err));
    int cases = 0;
    for (char *line = strtok(manifest.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        Case c;
        ck_assert_int_eq(sscanf(line, "%63[^\t]\t%llu\t%79[^\t]\t%119[^\t]\t%119[^\t]", c.name, &c.raw_bytes, c.content, c.tar_says,
                                c.unpack_says),
                         5);
        check_case(&c, dir, before);
        cases++;
    }
    ck_assert_int_ge(cases, 200);
    ck_assert_int_eq(wrong, 0);
    free(before);
    buf_free(&manifest);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/unpack, hostile archives");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, corpus);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
