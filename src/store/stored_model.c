#include "store/stored_model.h"

#include <string.h>

const char *stored_model_format(const StoredModel *model)
{
    return model->is_tar ? "tar" : model->is_pickle ? "pickle" : "file";
}

void stored_model_set_format(StoredModel *model, const char *format)
{
    model->is_tar = strcmp(format, "tar") == 0;
    model->is_pickle = strcmp(format, "pickle") == 0;
    model->has_format = model->is_tar || model->is_pickle || strcmp(format, "file") == 0;
}

static bool copy_string(Arena *arena, const char **string, const char *like, Err *err)
{
    const char *text = *string != NULL ? *string : "";
    if (text[0] == '\0')
        *string = "";
    else if (like != NULL && strcmp(text, like) == 0)
        *string = like;
    else
        *string = arena_copy(arena, text, strlen(text), err);
    return *string != NULL;
}

bool stored_model_copy(Arena *arena, const StoredModel *model, const StoredModel *like, StoredModel *out, Err *err)
{
    static const StoredModel nothing = {0};
    StoredModel copy = *model;
    if (like == NULL)
        like = &nothing;
    bool ok = copy_string(arena, &copy.name, like->name, err) && copy_string(arena, &copy.model_type, like->model_type, err) &&
              copy_string(arena, &copy.event, like->event, err) && copy_string(arena, &copy.source_host, like->source_host, err) &&
              copy_string(arena, &copy.source_path, like->source_path, err) && copy_string(arena, &copy.run_id, like->run_id, err);
    if (ok)
        *out = copy;
    return ok;
}
