#include "../../../src/source/members.h"

#include "../unpack_unit.h"

static Digest packed_members(const char *name)
{
    Err err = {0};
    Packed packed;
    PackSettings settings = {.level = 1, .temp_dir = unit_temp_dir()};
    Model model = {.path = name, .name = name, .kind = MODEL_DIRECTORY, .version = 1};
    Packer *packer = packer_new(&settings, &err);
    int root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    ck_assert(packer != NULL && root >= 0);
    ck_ok(pack_model(packer, root, &model, &packed, &err));
    packer_free(packer);
    close(root);
    return packed.members;
}

#define MAKE \
    "mkdir -p m/a m/a-b/deep m/empty \"m/with  blanks\" && echo 1 >m/a/x && echo 2 >m/a-b/y && echo 3 >m/a.c && echo 4 >\"m/run  me\" && " \
    "chmod 755 m/a/x \"m/run  me\" && chmod 710 m/a-b/y && chmod 611 m/a.c"
#define PRINT \
    "cd m && find . -mindepth 1 \\( -type d -printf 'd  %P\\n' \\) -o \\( -type f -perm -u+x -printf 'x  %P\\n' \\) | LC_ALL=C sort -k 2 | " \
    "sha256sum | cut -c 1-64 | tr -d '\\n'"

/* What docs/formats.md tells people to type. */
START_TEST(digest_is_what_a_person_can_print)
{
    char hex[2 * DIGEST_BYTES + 1];
    shell(MAKE);
    Digest digest = packed_members("m");
    digest_hex(&digest, hex);
    char *expected = shell_prints(PRINT);
    ck_assert_str_eq(hex, expected);
    free(expected);
    unit_remove_temp();
}
END_TEST

START_TEST(content_hash_alone_does_not_see_them)
{
    static const char *const changes[] = {"mkdir m/new", "rmdir m/empty", "chmod 644 m/a/x", "chmod 755 m/a.c"};
    Err err = {0};
    shell(MAKE);
    Row before = pack_row("m", MODEL_DIRECTORY, 1);
    Digest was = packed_members("m");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        shell(changes[i]);
        Row after = pack_row("m", MODEL_DIRECTORY, 1);
        Digest is = packed_members("m");
        ck_assert(digest_equal(&before.info.content, &after.info.content));
        ck_assert_msg(!digest_equal(&was, &is), "%s", changes[i]);
        was = is;
        free_row(&after);
    }
    ck_ok(verify(&before, &err));
    free_row(&before);
    unit_remove_temp();
}
END_TEST

/* What comes out of a payload has the same digest; a row that records another one is damaged. */
START_TEST(payload_has_the_digest_of_its_source)
{
    Err err = {0};
    Digest back;
    shell(MAKE);
    Row row = pack_row("m", MODEL_DIRECTORY, 1);
    Digest members = packed_members("m");
    Pieces pieces = pieces_of(&row.payload, 1000);
    ck_ok(unpack_verify(&row.info, next_piece, &pieces, &back, &err));
    ck_assert(digest_equal(&members, &back));
    row.info.has_members = true;
    row.info.members = members;
    ck_ok(verify(&row, &err));
    row.info.members.byte[7] ^= 1;
    ck_fails(verify(&row, &err), ERR_SKIP, "executable bits");
    free_row(&row);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/members");
    TCase *tests = tcase_create("members");
    tcase_add_test(tests, digest_is_what_a_person_can_print);
    tcase_add_test(tests, content_hash_alone_does_not_see_them);
    tcase_add_test(tests, payload_has_the_digest_of_its_source);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
