#include "model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"

const char *model_dir_type_name(DirType type)
{
    switch (type) {
    case DIR_BERTOPIC:
        return "bertopic";
    case DIR_MLFLOW:
        return "mlflow";
    case DIR_TENSORFLOW:
        return "tensorflow";
    case DIR_SENTENCE_TRANSFORMERS:
        return "sentence-transformers";
    case DIR_TRANSFORMERS:
        return "transformers";
    case DIR_DIFFUSERS:
        return "diffusers";
    case DIR_PEFT:
        return "peft";
    case DIR_SPACY:
        return "spacy";
    case DIR_AUTOGLUON:
        return "autogluon";
    case DIR_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *model_state_name(ModelState state)
{
    switch (state) {
    case MODEL_PENDING:
        return "pending";
    case MODEL_UNCHANGED:
        return "unchanged";
    case MODEL_NEW:
        return "new";
    case MODEL_CONFLICT:
        return "conflict";
    case MODEL_FAILED:
        return "failed";
    case MODEL_SKIPPED:
        return "skipped";
    case MODEL_BUSY:
        return "busy";
    }
    return "unknown";
}

Model *model_list_add(ModelList *list, const char *path, Err *err)
{
    if (list->count == UINT32_MAX) {
        err_set(err, ERR_STOP, "more than %u models", (unsigned)UINT32_MAX);
        return NULL;
    }
    const char *copy = vec_reserve(list, 1, err) ? arena_copy(&list->arena, path, strlen(path), err) : NULL;
    if (copy == NULL)
        return NULL;
    Model *model = &list->items[list->count++];
    *model = (Model){.path = copy, .version = VERSION_AUTO};
    return model;
}

void model_list_fit(ModelList *list)
{
    vec_fit(list);
}

void model_list_free(ModelList *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        free(list->items[i].reason);
        free(list->items[i].members);
    }
    free(list->items);
    arena_free(&list->arena);
    left_out_free(&list->left_out);
    *list = (ModelList){0};
}

bool model_set_content(Model *model, const Digest *content, const Digest *members, Err *err)
{
    model_forget_content(model);
    if (members != NULL && (model->members = malloc(sizeof *members)) == NULL)
        return err_no_memory(err);
    if (members != NULL)
        *model->members = *members;
    model->content = *content;
    model->has_content = true;
    return true;
}

void model_forget_content(Model *model)
{
    free(model->members);
    model->members = NULL;
    model->has_content = false;
}

Content model_content(const Model *model)
{
    return (Content){.kind = model->kind == MODEL_DIRECTORY ? CONTENT_DIRECTORY : CONTENT_FILE,
                     .digest = model->content,
                     .members = model->members};
}

void model_fail(Model *model, ModelState state, const Err *err)
{
    bool has_hint = err->hint[0] != '\0';
    model_refuse(model, state, "%s%s%s", err->text, has_hint ? "; " : "", err->hint);
}

void model_forget_decision(Model *model)
{
    free(model->reason);
    model->reason = NULL;
    model->state = MODEL_PENDING;
    model->withheld = false;
    model_forget_content(model);
    if (!model->explicit_version)
        model->version = VERSION_AUTO;
}

void model_refuse(Model *model, ModelState state, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *raw = len < 0 ? NULL : malloc((size_t)len + 1);
    char *reason = len < 0 ? NULL : malloc(4 * (size_t)len + 1);
    if (raw != NULL && reason != NULL) {
        vsnprintf(raw, (size_t)len + 1, format, again);
        text_escape(reason, 4 * (size_t)len + 1, raw, (size_t)len);
    } else {
        free(reason);
        reason = NULL;
    }
    va_end(again);
    free(raw);
    /* The old reason may have been one of the arguments. */
    free(model->reason);
    model->reason = reason;
    model->state = (uint8_t)state;
}
