#include "model/identify.h"

#include "../unit.h"

#define AUTO VERSION_AUTO
#define F MODEL_FILE
#define D MODEL_DIRECTORY

typedef struct Row {
    ModelKind kind;
    DirType dir_type;
    unsigned suffix_len;
    const char *path;
    const char *name;
    int32_t version;
    const char *model_type, *event;
} Row;

static const Row rows[] = {
    /* type and event: the longest suffix wins */
    {F, 0, 7, "merger_classifier_binary.joblib", "merger_classifier_binary", AUTO, "classifier_binary", "merger"},
    {F, 0, 7, "merger_regression.joblib", "merger_regression", AUTO, "regression", "merger"},
    {F, 0, 7, "merger_vectorizer.joblib", "merger_vectorizer", AUTO, "vectorizer", "merger"},
    {F, 0, 7, "merger_model.joblib", "merger_model", AUTO, "model", "merger"},
    {F, 0, 7, "merger_tfidf_vectorizer_binary.joblib", "merger_tfidf_vectorizer_binary", AUTO, "vectorizer", "merger"},
    {F, 0, 7, "merger_tfidf_vectorizer_regression.joblib", "merger_tfidf_vectorizer_regression", AUTO, "vectorizer", "merger"},
    {F, 0, 7, "merger_tfidf_vectorizer_classifier_binary.joblib", "merger_tfidf_vectorizer_classifier_binary", AUTO, "vectorizer",
     "merger"},
    {F, 0, 7, "merger_tfidf_vectorizer.joblib", "merger_tfidf_vectorizer", AUTO, "vectorizer", "merger_tfidf"},
    {F, 0, 7, "all_events_vectorizer_model.joblib", "all_events_vectorizer_model", AUTO, "model", "all_events_vectorizer"},
    {F, 0, 7, "a_model_regression.joblib", "a_model_regression", AUTO, "regression", "a_model"},
    {F, 0, 7, "x_regression_classifier_binary.joblib", "x_regression_classifier_binary", AUTO, "classifier_binary", "x_regression"},
    {F, 0, 7, "bond_fixing_binary.joblib", "bond_fixing_binary", AUTO, "unknown", "bond_fixing_binary"},
    {F, 0, 7, "merger.joblib", "merger", AUTO, "unknown", "merger"},
    {F, 0, 7, "mergermodel.joblib", "mergermodel", AUTO, "unknown", "mergermodel"},
    {F, 0, 7, "Merger_MODEL.joblib", "Merger_MODEL", AUTO, "unknown", "Merger_MODEL"},
    {F, 0, 7, "merger_model_final.joblib", "merger_model_final", AUTO, "unknown", "merger_model_final"},
    {F, 0, 7, "x__model.joblib", "x__model", AUTO, "model", "x_"},
    /* a suffix with nothing before it does not count, a shorter one then may */
    {F, 0, 7, "_model.joblib", "_model", AUTO, "unknown", "_model"},
    {F, 0, 7, "model.joblib", "model", AUTO, "unknown", "model"},
    {F, 0, 7, "_classifier_binary.joblib", "_classifier_binary", AUTO, "unknown", "_classifier_binary"},
    {F, 0, 7, "_tfidf_vectorizer_classifier_binary.joblib", "_tfidf_vectorizer_classifier_binary", AUTO, "classifier_binary",
     "_tfidf_vectorizer"},
    {F, 0, 7, "_tfidf_vectorizer_regression.joblib", "_tfidf_vectorizer_regression", AUTO, "regression", "_tfidf_vectorizer"},
    {F, 0, 7, "_tfidf_vectorizer_binary.joblib", "_tfidf_vectorizer_binary", AUTO, "unknown", "_tfidf_vectorizer_binary"},
    {F, 0, 7, "a/_model.joblib", "a/_model", AUTO, "unknown", "a/_model"},
    /* folders stay in the name, only the last component gives type and event */
    {F, 0, 7, "eu/merger_model.joblib", "eu/merger_model", AUTO, "model", "merger"},
    {F, 0, 7, "eu_model/merger.joblib", "eu_model/merger", AUTO, "unknown", "eu_model/merger"},
    {F, 0, 7, "a/b/c/merger_regression.joblib", "a/b/c/merger_regression", AUTO, "regression", "merger"},
    {F, 0, 7, "a_v2/x_model.joblib", "a_v2/x_model", AUTO, "model", "x"},
    {F, 0, 7, "3/x_model.joblib", "3/x_model", AUTO, "model", "x"},
    /* versions of files */
    {F, 0, 7, "x_v3.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "x-v3.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "x.v3.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "x/v3.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "eu/x_v3.joblib", "eu/x", 3, "unknown", "eu/x"},
    {F, 0, 7, "eu/x/v3.joblib", "eu/x", 3, "unknown", "eu/x"},
    {F, 0, 7, "merger_model_v12.joblib", "merger_model", 12, "model", "merger"},
    {F, 0, 7, "merger_model/v12.joblib", "merger_model", 12, "model", "merger"},
    {F, 0, 7, "merger_classifier_binary.v2.joblib", "merger_classifier_binary", 2, "classifier_binary", "merger"},
    {F, 0, 7, "x_v0.joblib", "x", 0, "unknown", "x"},
    {F, 0, 7, "x_v03.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "x_v000000000000000000000000003.joblib", "x", 3, "unknown", "x"},
    {F, 0, 7, "x_v2147483647.joblib", "x", 2147483647, "unknown", "x"},
    {F, 0, 7, "x_v1_v2.joblib", "x_v1", 2, "unknown", "x_v1"},
    {F, 0, 7, "x_v1/v2.joblib", "x_v1", 2, "unknown", "x_v1"},
    {F, 0, 7, "x__v2.joblib", "x_", 2, "unknown", "x_"},
    {F, 0, 7, "x.-v2.joblib", "x.", 2, "unknown", "x."},
    {F, 0, 7, "x_model_v2_.joblib", "x_model_v2_", AUTO, "unknown", "x_model_v2_"},
    /* what looks like a version and is none */
    {F, 0, 7, "v3.joblib", "v3", AUTO, "unknown", "v3"},
    {F, 0, 7, "3.joblib", "3", AUTO, "unknown", "3"},
    {F, 0, 7, "x/3.joblib", "x/3", AUTO, "unknown", "x/3"},
    {F, 0, 7, "x/_v3.joblib", "x/_v3", AUTO, "unknown", "x/_v3"},
    {F, 0, 7, "_v3.joblib", "_v3", AUTO, "unknown", "_v3"},
    {F, 0, 7, "-v3.joblib", "-v3", AUTO, "unknown", "-v3"},
    {F, 0, 7, ".v3.joblib", ".v3", AUTO, "unknown", ".v3"},
    {F, 0, 7, "x_V3.joblib", "x_V3", AUTO, "unknown", "x_V3"},
    {F, 0, 7, "xv3.joblib", "xv3", AUTO, "unknown", "xv3"},
    {F, 0, 7, "x_3.joblib", "x_3", AUTO, "unknown", "x_3"},
    {F, 0, 7, "x_v.joblib", "x_v", AUTO, "unknown", "x_v"},
    {F, 0, 7, "x_v3a.joblib", "x_v3a", AUTO, "unknown", "x_v3a"},
    {F, 0, 7, "x_v1.2.joblib", "x_v1.2", AUTO, "unknown", "x_v1.2"},
    {F, 0, 7, "x_v-3.joblib", "x_v-3", AUTO, "unknown", "x_v-3"},
    {F, 0, 7, "x v3.joblib", "x v3", AUTO, "unknown", "x v3"},
    {F, 0, 7, "x_v\xd9\xa3.joblib", "x_v\xd9\xa3", AUTO, "unknown", "x_v\xd9\xa3"}, /* ARABIC-INDIC DIGIT THREE */
    {F, 0, 7, "vx_v3/y.joblib", "vx_v3/y", AUTO, "unknown", "vx_v3/y"},
    /* suffixes */
    {F, 0, 0, "merger_model", "merger_model", AUTO, "model", "merger"},
    {F, 0, 0, "merger_model.joblib", "merger_model.joblib", AUTO, "unknown", "merger_model.joblib"},
    {F, 0, 4, "merger_model_v2.pkl", "merger_model", 2, "model", "merger"},
    {F, 0, 10, "merger_model_v2.joblib.gz", "merger_model", 2, "model", "merger"},
    {F, 0, 3, "merger_model_v2.joblib.gz", "merger_model_v2.joblib", AUTO, "unknown", "merger_model_v2.joblib"},
    {F, 0, 3, "x_v7.gz", "x", 7, "unknown", "x"},
    {F, 0, 7, ".hidden_model.joblib", ".hidden_model", AUTO, "model", ".hidden"},
    {F, 0, 7, "...joblib.joblib", "...joblib", AUTO, "unknown", "...joblib"},
    {F, 0, 7, "....joblib", "...", AUTO, "unknown", "..."},
    /* names as people have them */
    {F, 0, 7, "caf\xc3\xa9_model.joblib", "caf\xc3\xa9_model", AUTO, "model", "caf\xc3\xa9"},
    {F, 0, 7, "it's \"the\" one_model.joblib", "it's \"the\" one_model", AUTO, "model", "it's \"the\" one"},
    {F, 0, 7, "=1+1_model.joblib", "=1+1_model", AUTO, "model", "=1+1"},
    {F, 0, 7, "\\._model.joblib", "\\._model", AUTO, "model", "\\."},
    {F, 0, 7, "\xe2\x98\x83_v9.joblib", "\xe2\x98\x83", 9, "unknown", "\xe2\x98\x83"},
    /* directories */
    {D, DIR_BERTOPIC, 0, "bertopic_model_0a1b2c3d", "bertopic_model_0a1b2c3d", AUTO, "bertopic", "bertopic_model_0a1b2c3d"},
    {D, DIR_BERTOPIC, 0, "runs/bertopic_model_0a1b2c3d", "runs/bertopic_model_0a1b2c3d", AUTO, "bertopic",
     "bertopic_model_0a1b2c3d"},
    {D, DIR_BERTOPIC, 0, "bertopic_model_0a1b2c3d_v2", "bertopic_model_0a1b2c3d", 2, "bertopic", "bertopic_model_0a1b2c3d"},
    {D, DIR_MLFLOW, 0, "churn/3", "churn", 3, "mlflow", "churn"},
    {D, DIR_MLFLOW, 0, "churn/v3", "churn", 3, "mlflow", "churn"},
    {D, DIR_MLFLOW, 0, "eu/churn/003", "eu/churn", 3, "mlflow", "churn"},
    {D, DIR_TENSORFLOW, 0, "churn_v3", "churn", 3, "tensorflow", "churn"},
    {D, DIR_TENSORFLOW, 0, "churn.v3", "churn", 3, "tensorflow", "churn"},
    {D, DIR_TENSORFLOW, 0, "eu/churn-v3", "eu/churn", 3, "tensorflow", "churn"},
    {D, DIR_SENTENCE_TRANSFORMERS, 0, "minilm", "minilm", AUTO, "sentence-transformers", "minilm"},
    {D, DIR_TRANSFORMERS, 0, "finbert_model", "finbert_model", AUTO, "transformers", "finbert_model"},
    {D, DIR_TRANSFORMERS, 0, "3", "3", AUTO, "transformers", "3"},
    {D, DIR_TRANSFORMERS, 0, "v3", "v3", AUTO, "transformers", "v3"},
    {D, DIR_TRANSFORMERS, 0, "x/V3", "x/V3", AUTO, "transformers", "V3"},
    {D, DIR_TRANSFORMERS, 0, "x/3a", "x/3a", AUTO, "transformers", "3a"},
    {D, DIR_TRANSFORMERS, 0, "x/checkpoint-500", "x/checkpoint-500", AUTO, "transformers", "checkpoint-500"},
    {D, DIR_TRANSFORMERS, 0, "x/2/3", "x/2", 3, "transformers", "2"},
    {D, DIR_UNKNOWN, 0, "x/y_model", "x/y_model", AUTO, "unknown", "x/y_model"},
    {D, DIR_UNKNOWN, 0, "x/y/7", "x/y", 7, "unknown", "x/y"},
    /* numbers that no version can be, and days, belong to the name */
    {F, 0, 7, "x_v2147483648.joblib", "x_v2147483648", AUTO, "unknown", "x_v2147483648"},
    {F, 0, 7, "x_v99999999999999999999999999.joblib", "x_v99999999999999999999999999", AUTO, "unknown",
     "x_v99999999999999999999999999"},
    {F, 0, 7, "x/v4294967299.joblib", "x/v4294967299", AUTO, "unknown", "x/v4294967299"},
    {D, DIR_MLFLOW, 0, "x/1481135727591", "x/1481135727591", AUTO, "mlflow", "1481135727591"},
    {D, DIR_MLFLOW, 0, "x/1481135727", "x", 1481135727, "mlflow", "x"},
    {D, DIR_MLFLOW, 0, "x/20240115", "x/20240115", AUTO, "mlflow", "20240115"},
    {D, DIR_MLFLOW, 0, "x/20241315", "x", 20241315, "mlflow", "x"},
    /* a folder is the version of a file whose own name says nothing */
    {F, 0, 7, "churn/3/model.joblib", "churn", 3, "unknown", "churn"},
    {F, 0, 7, "eu/churn_model/v3/churn_model.joblib", "eu/churn_model", 3, "model", "churn"},
    {F, 0, 5, "a/bert:v3/model.ckpt", "a/bert", 3, "unknown", "a/bert"},
    {F, 0, 7, "churn/3/other.joblib", "churn/3/other", AUTO, "unknown", "churn/3/other"},
    {F, 0, 7, "3/model.joblib", "3/model", AUTO, "unknown", "3/model"},
    {F, 0, 7, "by_day/20240115/model.joblib", "by_day/20240115/model", AUTO, "unknown", "by_day/20240115/model"},
    {F, 0, 7, "churn/20240115103000/model.joblib", "churn/20240115103000/model", AUTO, "unknown", "churn/20240115103000/model"},
    {F, 0, 7, "churn/3/model_v2.joblib", "churn/3/model", 2, "unknown", "churn/3/model"},
    {D, DIR_TRANSFORMERS, 0, "a/bert:v3", "a/bert", 3, "transformers", "bert"},
    /* numbers that are a part of the name */
    {D, DIR_SENTENCE_TRANSFORMERS, 0, "all-MiniLM-L6-v2", "all-MiniLM-L6-v2", AUTO, "sentence-transformers", "all-MiniLM-L6-v2"},
    {D, DIR_TRANSFORMERS, 0, "e5-base-v2", "e5-base-v2", AUTO, "transformers", "e5-base-v2"},
    {D, DIR_TRANSFORMERS, 0, "sentiment_v2", "sentiment", 2, "transformers", "sentiment"},
    {D, DIR_TRANSFORMERS, 0, "e5-base/v2", "e5-base", 2, "transformers", "e5-base"},
    {F, 0, 7, "mobilenet_v3.joblib", "mobilenet_v3", AUTO, "unknown", "mobilenet_v3"},
    {F, 0, 7, "cv/ResNet50_v2.joblib", "cv/ResNet50_v2", AUTO, "unknown", "cv/ResNet50_v2"},
    {F, 0, 7, "inception_classifier_v2.joblib", "inception_classifier", 2, "unknown", "inception_classifier"},
    {F, 0, 7, "alberta_v3.joblib", "alberta", 3, "unknown", "alberta"},
    {F, 0, 7, "swing_v3.joblib", "swing", 3, "unknown", "swing"},
    {F, 0, 7, "whisper_eu_v3.joblib", "whisper_eu", 3, "unknown", "whisper_eu"},
    {F, 0, 7, "swin_50-_v3.joblib", "swin_50-_v3", AUTO, "unknown", "swin_50-_v3"},
    {F, 0, 7, "all-MiniLM-L6-v2.joblib", "all-MiniLM-L6-v2", AUTO, "unknown", "all-MiniLM-L6-v2"},
    /* months and days are no versions */
    {F, 0, 7, "2024/01/model.joblib", "2024/01/model", AUTO, "unknown", "2024/01/model"},
    {F, 0, 7, "eu/2024/01/15/model.joblib", "eu/2024/01/15/model", AUTO, "unknown", "eu/2024/01/15/model"},
    {D, DIR_MLFLOW, 0, "eu/2024/01", "eu/2024/01", AUTO, "mlflow", "01"},
    {F, 0, 7, "2024/churn/3/model.joblib", "2024/churn", 3, "unknown", "2024/churn"},
    {F, 0, 7, "1/3/model.joblib", "1", 3, "unknown", "1"},
    /* the suffix of a file is no matter of directories */
    {D, DIR_UNKNOWN, 7, "x/abc.joblib", "x/abc.joblib", AUTO, "unknown", "x/abc.joblib"},
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

static Model model_of(ModelKind kind, const char *path, unsigned suffix_len)
{
    return (Model){.path = path, .kind = (uint8_t)kind, .suffix_len = (uint8_t)suffix_len};
}

START_TEST(test_table)
{
    const Row *row = &rows[_i];
    Err err = {0};
    Identity got;
    Model model = model_of(row->kind, row->path, row->suffix_len);
    model.dir_type = (uint8_t)row->dir_type;
    memset(&got, 'x', sizeof got);
    ck_ok(identify(&model, NULL, &got, &err));
    ck_assert_str_eq(got.name, row->name);
    ck_assert_int_eq(got.version, row->version);
    ck_assert_str_eq(got.model_type, row->model_type);
    ck_assert_str_eq(got.event, row->event);
}
END_TEST

START_TEST(test_keys_of_earlier_versions)
{
    static const struct {
        ModelKind kind;
        const char *path, *name; /* NULL: it had none */
        int32_t version;
    } earlier[] = {{F, "churn/3/model.joblib", "churn/3/model", AUTO},
                   {F, "mobilenet_v3.joblib", "mobilenet", 3},
                   {F, "a_model_v4.joblib", "a_model", 4},
                   {D, "all-MiniLM-L6-v2", "all-MiniLM-L6", 2},
                   {D, "x/20240115", "x", 20240115},
                   {D, "a/bert:v3", "a/bert:v3", AUTO},
                   {D, "x/1481135727591", NULL, AUTO}};
    Identity got;
    for (size_t i = 0; i < sizeof earlier / sizeof *earlier; i++) {
        Model model = model_of(earlier[i].kind, earlier[i].path, earlier[i].kind == MODEL_FILE ? 7 : 0);
        bool had = identify_earlier(&model, NULL, &got);
        ck_assert_msg(had == (earlier[i].name != NULL), "%s", earlier[i].path);
        if (had)
            ck_assert_msg(strcmp(got.name, earlier[i].name) == 0 && got.version == earlier[i].version, "%s: %s@%d", earlier[i].path,
                          got.name, (int)got.version);
    }
}
END_TEST

typedef struct Refusal {
    ModelKind kind;
    const char *path, *reason;
} Refusal;

static const Refusal refusals[] = {
    {F, ".joblib", "its name is empty"},
    {F, "a/.joblib", "empty component"},
    {F, "..joblib", "`.` or `..`"},
    {F, "...joblib", "`.` or `..`"},
    {F, "a/...joblib", "`.` or `..`"},
    {F, "._v3.joblib", "`.` or `..`"},
    {F, ".._v3.joblib", "`.` or `..`"},
    {F, "a\nb.joblib", "control character"},
    {F, "a\tb_model.joblib", "control character"},
    {F, "a\033[2Jb.joblib", "control character"},
    {F, "a\x7f.joblib", "control character"},
    {F, "a\xc2\x85.joblib", "control character"},
    {F, "dir\r/b.joblib", "control character"},
    {F, "caf\xe9.joblib", "not valid UTF-8"},
    {F, "a\xed\xa0\x80.joblib", "not valid UTF-8"},
    {F, "d\xff/x_v3.joblib", "not valid UTF-8"},
};

START_TEST(test_refusals)
{
    const Refusal *row = &refusals[_i];
    Err err;
    Identity got;
    Model model = model_of(row->kind, row->path, row->kind == MODEL_FILE ? 7 : 0);
    ck_fails(identify(&model, NULL, &got, &err), ERR_SKIP, row->reason);
    char shown[256];
    snprintf(shown, sizeof shown, "%.1s", row->path);
    ck_assert_msg(strncmp(err.text, shown, 1) == 0, "the path is not in front: %s", err.text);
}
END_TEST

START_TEST(test_length_is_counted_in_characters)
{
    Err err = {0};
    Identity got;
    char path[4000];
    size_t len = 0;
    for (int i = 0; i < 255; i++) {
        memcpy(path + len, "\xf0\x9f\xa6\x94", 4);
        len += 4;
    }
    memcpy(path + len, ".joblib", 8);
    Model model = model_of(MODEL_FILE, path, 7);
    ck_ok(identify(&model, NULL, &got, &err));
    ck_assert_uint_eq(strlen(got.name), 1020);
    ck_assert_str_eq(got.event, got.name);

    memmove(path + 1, path, len + 8);
    path[0] = 'a';
    ck_fails(identify(&model, NULL, &got, &err), ERR_SKIP, "its name is longer than 255 characters");
    ck_assert_msg(strncmp(err.text, "a\xf0\x9f\xa6\x94", 5) == 0, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "\\x"));
}
END_TEST

/* A path that fills the whole error text must not push the reason out. */
START_TEST(test_reason_survives_a_hostile_path)
{
    Err err;
    Identity got;
    char path[4000];
    memset(path, '\xff', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    Model model = model_of(MODEL_DIRECTORY, path, 0);
    ck_fails(identify(&model, NULL, &got, &err), ERR_SKIP, "its name is not valid UTF-8");
    memset(path, 'a', sizeof path - 1);
    ck_fails(identify(&model, NULL, &got, &err), ERR_SKIP, "its name is longer than 255 characters");
    memset(path, '9', sizeof path - 1);
    path[0] = 'x';
    path[1] = '/';
    ck_fails(identify(&model, NULL, &got, &err), ERR_SKIP, "its name is longer than 255 characters");
}
END_TEST

START_TEST(test_an_error_may_be_ignored)
{
    Identity got;
    Model model = model_of(MODEL_FILE, "a\nb.joblib", 7);
    ck_assert(!identify(&model, NULL, &got, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/identify");
    TCase *tc = tcase_create("identify");
    tcase_add_loop_test(tc, test_table, 0, (int)ROW_COUNT);
    tcase_add_test(tc, test_keys_of_earlier_versions);
    tcase_add_loop_test(tc, test_refusals, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tc, test_length_is_counted_in_characters);
    tcase_add_test(tc, test_reason_survives_a_hostile_path);
    tcase_add_test(tc, test_an_error_may_be_ignored);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
