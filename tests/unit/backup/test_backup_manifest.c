#include "../backup_unit.h"

START_TEST(torn_or_edited_manifest_is_refused)
{
    make_folder();
    BackupManifest manifest = {0};
    Buf whole = get_file(in_folder("MANIFEST"));
    ck_assert_int_eq(strncmp(whole.data, "migrate_models_to_db backup 1\nrun " RUN "\nmode full\n", 80), 0);
    for (size_t cut = 0; cut < whole.len; cut++) {
        put_file(in_folder("MANIFEST"), whole.data, cut);
        ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST: ");
    }
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        put_file(in_folder("MANIFEST"), whole.data, whole.len);
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        err = (Err){0};
        /* Upper-case hex in the last line says the same. */
        bool ok = backup_manifest_read(folder, &manifest, &err);
        ck_assert_msg(!ok || (bit % 8 == 5 && bit / 8 >= whole.len - 65), "bit %zu was not noticed", bit);
        if (ok)
            backup_manifest_free(&manifest);
    }
    ck_ok(buf_text(&whole, "x", &err));
    put_file(in_folder("MANIFEST"), whole.data, whole.len);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "torn or edited");
    put_file(in_folder("MANIFEST"), "migrate_models_to_db backup 2\n....", 34);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "another version");
    ck_assert_int_eq(unlink(in_folder("MANIFEST")), 0);
    ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_assert_ptr_null(manifest.files);
    buf_free(&whole);
}
END_TEST

/* A well-made MANIFEST with hostile lines. */
static void put_manifest(const char *body)
{
    Buf text = {0};
    Digest digest;
    char hex[2 * DIGEST_BYTES + 1];
    ck_ok(buf_text(&text, body, &err));
    ck_ok(sha256_once(text.data, text.len, &digest, &err));
    digest_hex(&digest, hex);
    ck_ok(buf_format(&text, &err, "manifest sha256 %s\n", hex));
    put_file(in_folder("MANIFEST"), text.data, text.len);
    buf_free(&text);
}

START_TEST(hostile_manifest_is_refused)
{
#define HEAD "migrate_models_to_db backup 1\nrun " RUN "\nmode full\n"
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const bodies[] = {HEAD HASH "  1  1  ../part-0.csv\n",
                                         HEAD HASH "  1  1  /etc/passwd\n",
                                         HEAD HASH "  1  1  part-x.csv\n",
                                         HEAD HASH "  1  1  part-.csv\n",
                                         HEAD HASH "  1  1  part-0.csv.tmp\n",
                                         HEAD HASH "  -1  1  part-0.csv\n",
                                         HEAD HASH "  1  part-0.csv\n",
                                         HEAD HASH " 1 1 part-0.csv\n",
                                         HEAD HASH "0  1  1  part-0.csv\n",
                                         HEAD HASH "  99999999999999999999  1  part-0.csv\n",
                                         HEAD "\n",
                                         "migrate_models_to_db backup 1\nmode full\nmode full\n",
                                         "migrate_models_to_db backup 1\nrun " RUN "\nrun " RUN "\n",
                                         "migrate_models_to_db backup 1\nrun " RUN "\nmode none\n",
                                         "migrate_models_to_db backup 1\nrun ../../../../etc\nmode full\n",
                                         "migrate_models_to_db backup 1\n"};
    make_folder();
    BackupManifest manifest;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        put_manifest(bodies[i]);
        ck_fails(backup_manifest_read(folder, &manifest, &err), ERR_STOP, "MANIFEST: ");
    }
    put_manifest(HEAD HASH "  1  1  part-0.csv\n");
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: has ");
    backup_manifest_free(&manifest);
    backup_manifest_free(NULL);
}
END_TEST

START_TEST(verify_names_what_differs)
{
    make_folder();
    BackupManifest manifest;
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    ck_ok(backup_manifest_verify(folder, &manifest, &err));
    Buf whole = get_file(path);
    put_file(path, whole.data, whole.len - 1);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: has ");
    whole.data[whole.len / 2] ^= 1;
    put_file(path, whole.data, whole.len);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv: its SHA-256");
    whole.data[whole.len / 2] ^= 1;
    put_file(path, whole.data, whole.len);
    ck_ok(backup_manifest_verify(folder, &manifest, &err));
    put_file(in_folder("part-9.csv"), "", 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-9.csv: the MANIFEST does not name");
    ck_assert_int_eq(unlink(in_folder("part-9.csv")), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "part-0.csv");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_fails(backup_manifest_verify(folder, &manifest, &err), ERR_STOP, "not a regular file");
    backup_manifest_free(&manifest);
    buf_free(&whole);
}
END_TEST

int main(void)
{
    use_memory_disk();
    Suite *suite = suite_create("backup/backup_manifest");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, torn_or_edited_manifest_is_refused);
    tcase_add_test(tc, hostile_manifest_is_refused);
    tcase_add_test(tc, verify_names_what_differs);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
