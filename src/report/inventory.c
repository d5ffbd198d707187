#include "report/inventory.h"

#include "base/text.h"
#include "base/userfile.h"

typedef bool (*Writer)(const Inventory *inventory, Buf *out, Err *err);

/* A pipe or a device rarely has a name that tells. */
static Writer writer_of(const char *path)
{
    static const struct {
        const char *ending;
        Writer writer;
    } formats[] = {{".csv", inventory_csv}, {".json", inventory_json}, {".html", inventory_html}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_ends_with(path, formats[i].ending))
            return formats[i].writer;
    return userfile_is_stream(path) ? inventory_csv : NULL;
}

bool inventory_has_format(const char *path, Err *err)
{
    if (path == NULL || writer_of(path) != NULL)
        return true;
    err_set(err, ERR_USAGE, "%s: unknown report format", path);
    return err_hint(err, "use .csv, .json or .html; a pipe, a device and - get CSV");
}

bool inventory_write_file(const Inventory *inventory, const char *path, Err *err)
{
    Buf data = {0};
    bool ok = inventory_has_format(path, err) && writer_of(path)(inventory, &data, err) &&
              userfile_write(path, data.data, data.len, 0644, err);
    buf_free(&data);
    return ok;
}
