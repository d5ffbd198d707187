/* verify_packed: a payload that was packed right is good, one that was damaged behind the packer's back is not. */
#include <fcntl.h>

#include "base/atomic_file.h"
#include "base/fs.h"
#include "../../../src/flow/run/worker.h"
#include "../unit.h"

static Err err;

/* A file of text, packed; then `damage` may spoil the payload. */
static bool pack_and_verify(int level, void (*damage)(Packed *packed))
{
    char text[20000];
    Packed packed;
    Model model = {.path = "x.joblib", .name = "x", .version = 1, .kind = MODEL_FILE};
    PackSettings settings = {.level = level, .memory_limit = 1 << 20, .temp_dir = unit_temp_dir(), .keep_payload = true};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    char *path = fs_join(unit_temp_dir(), model.path);
    ck_ok(atomic_file_put(path, 0600, text, sizeof text, &err));
    int root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    Packer *packer = packer_new(&settings, &err);
    ck_assert_ptr_nonnull(packer);
    ck_ok(pack_model(packer, root, &model, &packed, &err));
    ck_assert(packed.is_gzip == (level > 0));
    if (damage != NULL)
        damage(&packed);
    bool ok = verify_packed(&model, &packed, &err);
    packer_free(packer);
    close(root);
    free(path);
    return ok;
}

static void flip_a_byte(Packed *packed)
{
    packed->payload->memory.data[packed->payload->memory.len / 2] ^= 1;
}

/* The payload's own digest fits: only decoding tells. */
static void swap_for_another_content(Packed *packed)
{
    packed->content.byte[0] ^= 1;
}

static void claim_another_size(Packed *packed)
{
    packed->raw_bytes++;
}

START_TEST(test_good_payloads)
{
    ck_ok(pack_and_verify(1, NULL));
    ck_ok(pack_and_verify(6, NULL));
    ck_ok(pack_and_verify(0, NULL));
}
END_TEST

START_TEST(test_damaged_payloads)
{
    ck_fails(pack_and_verify(1, flip_a_byte), ERR_SKIP, "x.joblib: its payload does not decode to what was read");
    ck_fails(pack_and_verify(0, flip_a_byte), ERR_SKIP, "it was not sent");
    ck_fails(pack_and_verify(1, swap_for_another_content), ERR_SKIP, "x.joblib");
    ck_fails(pack_and_verify(1, claim_another_size), ERR_SKIP, "x.joblib");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/verify");
    TCase *tcase = tcase_create("verify");
    tcase_add_checked_fixture(tcase, NULL, unit_remove_temp);
    tcase_add_test(tcase, test_good_payloads);
    tcase_add_test(tcase, test_damaged_payloads);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
