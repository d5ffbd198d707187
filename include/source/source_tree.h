/* source_tree.h: a MODELS_DIR, opened, scanned and named. For every command that looks at a tree. One thread; afterwards readers
 * only. */
#ifndef SOURCE_SOURCE_TREE_H
#define SOURCE_SOURCE_TREE_H

#include "model/model.h"
#include "model/name_map.h"
#include "source/scan.h"

typedef struct SourceTree {
    int root;         /* open directory, -1 = none */
    char *root_path;  /* absolute, without symlinks */
    NameMap *map;     /* NULL = none */
    ModelList *models; /* borrowed */
} SourceTree;

/* Opens the directory only. ERR_USAGE: not there, or not a directory; ERR_STOP: not readable. */
bool source_tree_open(const char *models_dir, SourceTree *out, Err *err);

/* Finds the models and names them: name, version and explicit_version are set for those that are MODEL_PENDING; a bad name makes it
 * MODEL_FAILED. map_file: --map, NULL = none. */
bool source_tree_scan(SourceTree *tree, const ScanRules *rules, const char *map_file, ModelList *models, Err *err);

/* ERR_USAGE when a file that is written, an answer or the store, is a model of the scanned tree or in one. path: NULL = nowhere. */
bool source_tree_spare(const SourceTree *tree, const char *path, Err *err);

void source_tree_close(SourceTree *tree);

#endif
