/* kinds.c: the one table of directories that are models by what they hold. */
#define _GNU_SOURCE /* memmem */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

#define HEAD_BYTES (64 * 1024)

/* Files by their whole names, or by how they begin and end. */
static const struct {
    const char *begin, *end; /* "" = anything; both together are the whole name when `whole` */
    bool whole;
    unsigned marks;
} names[] = {
    {"MLmodel", "", true, MARK_MLMODEL},
    {"saved_model.pb", "", true, MARK_SAVED_MODEL},
    {"saved_model.pbtxt", "", true, MARK_SAVED_MODEL},
    {"modules.json", "", true, MARK_MODULES},
    {"model_index.json", "", true, MARK_MODEL_INDEX},
    {"adapter_config.json", "", true, MARK_ADAPTER},
    {"topics.json", "", true, MARK_TOPICS},
    {"config.json", "", true, MARK_CONFIG},
    {"meta.json", "", true, MARK_META},
    {"config.cfg", "", true, MARK_CONFIG_CFG},
    {"tokenizer", "", true, MARK_TOKENIZER},
    {"predictor.pkl", "", true, MARK_PREDICTOR},
    {"learner.pkl", "", true, MARK_LEARNER},
    {"metadata.json", "", true, MARK_METADATA},
    {"pyvenv.cfg", "", true, MARK_VENV},
    {"func_code.py", "", true, MARK_CACHE},
    {"ctfidf", "", false, MARK_TOPIC_PARTS},
    {"topic_embeddings", "", false, MARK_TOPIC_PARTS},
    {"", ".safetensors", false, MARK_WEIGHTS},
    {"pytorch_model", ".bin", false, MARK_WEIGHTS},
    {"model", ".bin", false, MARK_WEIGHTS},
    {"", ".bin", false, MARK_OTHER_WEIGHTS},
    {"", ".onnx", false, MARK_OTHER_WEIGHTS},
    {"", ".h5", false, MARK_OTHER_WEIGHTS},
    {"", ".msgpack", false, MARK_OTHER_WEIGHTS},
    {"", ".gguf", false, MARK_OTHER_WEIGHTS},
    {"", ".ckpt", false, MARK_OTHER_WEIGHTS},
    {"", ".ckpt.index", false, MARK_OTHER_WEIGHTS},
};

unsigned kinds_marks(const char *name)
{
    unsigned marks = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool fits = names[i].whole ? strcmp(name, names[i].begin) == 0
                                   : text_starts_with(name, names[i].begin) && text_ends_with(name, names[i].end);
        marks |= fits ? names[i].marks : 0;
    }
    return marks;
}

/* What the marks of a directory say of it. From the top; the first row that fits decides. MLflow wraps the other kinds, and a
 * pipeline of diffusers holds folders that are transformers. */
static const struct {
    unsigned all, any; /* every mark of `all`, and one of `any` unless it is 0 */
    DirType type;
    const char *file, *words[2]; /* NULL, or a file that must hold one of the words */
    bool is_weak; /* not beside files that a pattern takes */
} kinds[] = {
    {MARK_MLMODEL, 0, DIR_MLFLOW, NULL, {NULL}, false},
    {MARK_MODEL_INDEX, 0, DIR_DIFFUSERS, NULL, {NULL}, false},
    {MARK_TOPICS, MARK_CONFIG | MARK_WEIGHTS | MARK_OTHER_WEIGHTS, DIR_BERTOPIC, NULL, {NULL}, false},
    {MARK_CONFIG | MARK_TOPIC_PARTS, MARK_WEIGHTS | MARK_OTHER_WEIGHTS, DIR_BERTOPIC, NULL, {NULL}, true},
    {MARK_SAVED_MODEL, 0, DIR_TENSORFLOW, NULL, {NULL}, false},
    {MARK_PREDICTOR | MARK_LEARNER, 0, DIR_AUTOGLUON, NULL, {NULL}, false},
    {MARK_PREDICTOR | MARK_METADATA, 0, DIR_AUTOGLUON, NULL, {NULL}, true},
    {MARK_META | MARK_CONFIG_CFG, 0, DIR_SPACY, NULL, {NULL}, false},
    {MARK_META | MARK_TOKENIZER, 0, DIR_SPACY, "meta.json", {"\"pipeline\"", "\"lang\""}, false},
    {MARK_MODULES, 0, DIR_SENTENCE_TRANSFORMERS, NULL, {NULL}, false},
    {MARK_ADAPTER, 0, DIR_PEFT, NULL, {NULL}, false},
    {MARK_CONFIG | MARK_WEIGHTS, 0, DIR_TRANSFORMERS, NULL, {NULL}, true},
    {MARK_CONFIG, MARK_WEIGHTS | MARK_OTHER_WEIGHTS, DIR_TRANSFORMERS, "config.json",
     {"\"model_type\"", "\"architectures\""}, false},
};

/* A link is believed: it is followed, or refused, when the model is read. */
static bool holds_word(int dir, const char *file, const char *const words[2])
{
    char head[HEAD_BYTES];
    int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP;
    ssize_t len = fs_read(fd, head, sizeof head);
    close(fd);
    for (int i = 0; i < 2; i++)
        if (len > 0 && memmem(head, (size_t)len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

bool kinds_find(int dir, unsigned marks, bool holds_models, DirType *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((marks & kinds[i].all) != kinds[i].all || (kinds[i].any != 0 && (marks & kinds[i].any) == 0))
            continue;
        if ((kinds[i].is_weak && holds_models) || (kinds[i].file != NULL && !holds_word(dir, kinds[i].file, kinds[i].words)))
            continue;
        *type = kinds[i].type;
        return true;
    }
    return false;
}

bool kinds_is_hidden(const char *name, EntryType type)
{
    static const char *const folders[] = {"__MACOSX", "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot",
                                          "~snapshot", "lost+found", "$RECYCLE.BIN", "System Volume Information", "__pycache__",
                                          "node_modules", "site-packages", "dist-packages"};
    if (name[0] == '.')
        return true;
    for (size_t i = 0; type == ENTRY_DIRECTORY && i < sizeof folders / sizeof *folders; i++)
        if (strcmp(name, folders[i]) == 0)
            return true;
    return false;
}

bool kinds_is_cache(unsigned marks)
{
    return (marks & (MARK_VENV | MARK_CACHE)) != 0;
}
