/* Files that become plain pickles when they are packed, and those that stay as they are. What Python makes of them is in
 * tests/cli/test_plain_pickles.py. */
#include "source/pack.h"

#include <fcntl.h>

#include "../unit.h"
#include "base/fs.h"

static Err err;

static Packed pack(const char *data, size_t len)
{
    Packed packed;
    PackSettings settings = {.level = 1, .memory_limit = (size_t)1 << 20, .temp_dir = "/tmp", .keep_payload = true, .plain = true};
    Model model = {.path = "m", .name = "m", .kind = MODEL_FILE, .version = 1};
    char path[300];
    snprintf(path, sizeof path, "%s/m", unit_temp_dir());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(file >= 0 && fs_write(file, data, len));
    close(file);
    Packer *packer = packer_new(&settings, &err);
    int root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    ck_assert(packer != NULL && root >= 0);
    ck_ok(pack_model(packer, root, &model, &packed, &err));
    close(root);
    packer_free(packer);
    return packed;
}

#define PACK(literal) pack((literal), sizeof(literal) - 1)

START_TEST(a_plain_pickle_is_stored_as_it_is)
{
    Packed packed = PACK("\x80\x04}.");
    ck_assert(packed.is_plain && !packed.is_pickle && !packed.is_gzip && packed.stored_bytes == 4);
    ck_assert(digest_equal(&packed.content, &packed.stored));
    unit_remove_temp();
}
END_TEST

/* A joblib file would have to begin with NONE, POP for that. */
START_TEST(what_would_not_come_back_is_kept_as_it_is)
{
    Packed packed = PACK("\x80\x04N0K\1.");
    ck_assert(!packed.is_plain && !packed.is_pickle && packed.stored_bytes == 7);
    ck_assert_str_eq(packed.no_plain, "its plain form would not give it back");
    unit_remove_temp();
}
END_TEST

START_TEST(what_has_no_plain_form)
{
    Packed packed = PACK("\x80\x04}..");
    ck_assert(!packed.is_plain && packed.has_pickle);
    ck_assert_str_eq(packed.no_plain, "its pickle ends before the file does");
    packed = PACK("words");
    ck_assert(!packed.is_plain && !packed.has_pickle);
    ck_assert_str_eq(packed.no_plain, "it is no pickle");
    unit_remove_temp();
}
END_TEST

START_TEST(what_cannot_be_decoded_is_kept)
{
    Packed packed = pack("\x04\x22\x4d\x18 no frame of lz4 at all", 27);
    ck_assert(!packed.is_plain && packed.stored_bytes == 27);
    ck_assert_str_eq(packed.no_plain, "is not compressed, or more than once");
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/pack_plain");
    TCase *tc = tcase_create("pack_plain");
    tcase_add_test(tc, a_plain_pickle_is_stored_as_it_is);
    tcase_add_test(tc, what_would_not_come_back_is_kept_as_it_is);
    tcase_add_test(tc, what_has_no_plain_form);
    tcase_add_test(tc, what_cannot_be_decoded_is_kept);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
