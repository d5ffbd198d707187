#include "report/inventory.h"

#include "base/atomic_file.h"
#include "base/text.h"

typedef bool (*Writer)(const Inventory *inventory, Buf *out, Err *err);

static Writer writer_of(const char *path)
{
    static const struct {
        const char *ending;
        Writer writer;
    } formats[] = {{".csv", inventory_csv}, {".json", inventory_json}, {".html", inventory_html}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_ends_with(path, formats[i].ending))
            return formats[i].writer;
    return NULL;
}

bool inventory_write_file(const Inventory *inventory, const char *path, Err *err)
{
    Buf data = {0};
    Writer writer = writer_of(path);
    if (writer == NULL) {
        err_set(err, ERR_USAGE, "%s: no format has this ending", path);
        return err_hint(err, "name a file that ends with .csv, .json or .html");
    }
    bool ok = writer(inventory, &data, err) && atomic_file_put(path, 0644, data.data, data.len, err);
    buf_free(&data);
    return ok;
}
