#include "../../../src/source/scan/parts.h"

#include "../scan_unit.h"

/* Scans one folder `d` with these files, each with its name's content. */
static void one(const char *const *files, const char *expected)
{
    char path[256];
    for (; *files != NULL; files++) {
        const char *equals = strchr(*files, '=');
        snprintf(path, sizeof path, "d/%.*s", (int)strcspn(*files, "="), *files);
        put(path, equals != NULL ? equals + 1 : "x");
    }
    scan(&plain);
    ck_assert_msg(strcmp(shown, expected) == 0, "%s, not %s", shown, expected);
    ck_assert_int_eq(system("rm -rf \"$UNIT_DIR/d\""), 0);
}

#define FILES(...) \
    (const char *const[]) \
    { \
        __VA_ARGS__, NULL \
    }

START_TEST(every_kind)
{
    setenv("UNIT_DIR", unit_temp_dir(), 1);
    one(FILES("MLmodel", "model.joblib"), "dir d mlflow\n");
    one(FILES("saved_model.pbtxt"), "dir d tensorflow\n");
    one(FILES("modules.json", "config.json", "model.safetensors"), "dir d sentence-transformers\n");
    one(FILES("model_index.json", "unet/config.json", "unet/x.safetensors"), "dir d diffusers\n");
    one(FILES("adapter_config.json", "adapter_model.safetensors"), "dir d peft\n");
    one(FILES("meta.json={}", "config.cfg"), "dir d spacy\n");
    one(FILES("meta.json={\"pipeline\":[]}", "tokenizer"), "dir d spacy\n");
    one(FILES("meta.json={}", "tokenizer"), "");
    one(FILES("topics.json", "config.json"), "dir d bertopic\n");
    one(FILES("topics.json", "topic_embeddings.safetensors"), "dir d bertopic\n");
    one(FILES("topics.json", "weights.bin"), "dir d bertopic\n");
    one(FILES("topics.json"), "");
    one(FILES("topics.json", "notes.txt"), "");
    one(FILES("predictor.pkl", "learner.pkl"), "dir d autogluon\n");
    one(FILES("predictor.pkl", "metadata.json"), "dir d autogluon\n");
    one(FILES("predictor.pkl", "metadata.json", "churn.joblib"), "file d/churn.joblib -7\n");
    one(FILES("predictor.pkl"), "");
}
END_TEST

START_TEST(weights_beside_a_config)
{
    setenv("UNIT_DIR", unit_temp_dir(), 1);
    one(FILES("config.json={}", "model.safetensors"), "dir d transformers\n");
    one(FILES("config.json={}", "pytorch_model-00001-of-00002.bin"), "dir d transformers\n");
    one(FILES("config.json={\"model_type\": 1}", "x.gguf"), "dir d transformers\n");
    one(FILES("config.json={\"architectures\": []}", "tf_model.h5"), "dir d transformers\n");
    one(FILES("config.json={}", "tf_model.h5"), "");
    one(FILES("config.json={\"port\": 80}", "cc.de.bin", "a.joblib"), "file d/a.joblib -7\n");
    one(FILES("config.json={}", "x.safetensors", "a.joblib"), "file d/a.joblib -7\n");
    one(FILES("config.json={\"model_type\": 1}", "x.safetensors", "a.joblib"), "dir d transformers\n");
    ck_assert_uint_eq(list.left_out.notes.count, 1);
    ck_assert_ptr_nonnull(strstr(list.left_out.notes.items[0], "1 file in it that would be models by themselves: a.joblib"));
}
END_TEST

START_TEST(what_is_hidden)
{
    static const char *const files[] = {".x.joblib",          "._a.joblib",    ".git/a.joblib",         "__MACOSX/a.joblib", "@eaDir/a.joblib",
                                        "lost+found/a.joblib", "s/#recycle/a.joblib", "$RECYCLE.BIN/a.joblib", "v/pyvenv.cfg",       "v/a.joblib",
                                        "c/f/func_code.py",   "c/f/0a/output.joblib", "__pycache__/a.joblib"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(files[i], "x");
    put(".DS_Store", "x");
    put("a.joblib", "x");
    put("data.joblib/x.joblib", "x");
    scan(&plain);
    expect("file a.joblib -7\nfile data.joblib/x.joblib -7\n");
    ck_assert_uint_eq(list.left_out.hidden, 11);
    ck_assert_str_eq(list.left_out.hidden_examples[0], "$RECYCLE.BIN");
    ck_assert_uint_eq(list.left_out.files, 0);
    ScanRules rules = plain;
    rules.hidden = true;
    scan(&rules);
    ck_assert_uint_eq(list.count, 13);
    ck_assert_uint_eq(list.left_out.hidden, 0);
}
END_TEST

START_TEST(what_is_left_out)
{
    static const char *const files[] = {"a.pkl", "b.PKL", "c.pkl.gz", "d.csv", "README", "e.toolongasuffixx", "x/f.pkl"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(files[i], "x");
    put("bert_model", "\x80\x04.");
    put("old/g.joblib", "x");
    put("g_old.joblib", "x");
    static const char *const excludes[] = {"old", "*_old*", NULL}, *const asked[] = {".pkl", "*.csv", NULL};
    ScanRules rules = plain;
    rules.excludes = excludes;
    rules.keep_left_out = true;
    scan(&rules);
    expect("");
    const LeftOut *left_out = &list.left_out;
    ck_assert_uint_eq(left_out->files, 8);
    ck_assert_uint_eq(left_out->paths.count, 8);
    ck_assert_uint_eq(left_out->excluded, 2);
    ck_assert_uint_eq(left_out->kinds.count, 6);
    ck_assert_str_eq(left_out->kinds.items[0].pattern, "*.pkl");
    ck_assert_uint_eq(left_out->kinds.items[0].count, 3);
    ck_assert_str_eq(left_out->kinds.items[5].pattern, "without suffix");
    rules.bare_pickles = true;
    rules.patterns = asked;
    rules.patterns_asked = 2;
    scan(&rules);
    expect("file bert_model -0\nfile d.csv -4\n");
    ck_assert_uint_eq(left_out->notes.count, 1);
    ck_assert_ptr_nonnull(strstr(left_out->notes.items[0], "the pattern .pkl matches no file"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/scan/kinds");
    TCase *tc = tcase_create("kinds");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_kind);
    tcase_add_test(tc, weights_beside_a_config);
    tcase_add_test(tc, what_is_hidden);
    tcase_add_test(tc, what_is_left_out);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
