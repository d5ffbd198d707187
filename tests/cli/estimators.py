"""Real estimators of scikit-learn, fitted on arrays and on DataFrames, for the tests of what Python loads. ESTIMATORS=all (make check-long): each one, in
every protocol; else one of each module, in turns."""

import functools
import itertools
import os
import pickle
import warnings

import joblib
import numpy
import pandas
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.utils import all_estimators

ALL = os.environ.get("ESTIMATORS") == "all"
PROTOCOLS = (2, 3, 4, 5)
CODECS = (0, ("zlib", 3), ("gzip", 6), ("bz2", 3), ("xz", 3), ("lzma", 1))
X, Y = make_classification(60, 6, random_state=0)
X = numpy.abs(X)
FRAME = pandas.DataFrame(X, columns=[f"column {i}" for i in range(6)])
TEXTS = ["a b c d", "b c d e", "c d e f"] * 20


def make(kind):
    for arguments in ((), (LogisticRegression(),), ([("one", LogisticRegression())],)):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    return None


def fitted(kind, data):
    """None for what wants another kind of data."""
    for arguments in ((data, Y), (data,), (TEXTS,)):
        try:
            return make(kind).fit(*arguments)
        except Exception: # noqa: BLE001 - whatever an estimator raises for data that is not for it
            continue
    return None


def kinds():
    found = all_estimators()
    if ALL:
        return found
    one_each = {}
    for name, kind in found:
        one_each.setdefault(kind.__module__.split(".")[1], (name, kind))
    return [*one_each.values(), *((n, k) for n, k in found if n in ("RandomForestClassifier", "TfidfVectorizer", "SVC", "GradientBoostingRegressor"))]


@functools.lru_cache(maxsize=None)
def estimators():
    """Pairs of a name and a fitted estimator."""
    made = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (name, kind), data in itertools.product(kinds(), ((X, FRAME) if ALL else (FRAME,))):
            estimator = fitted(kind, data)
            if estimator is not None:
                made.append((f"{name}{'_frame' if data is FRAME else ''}", estimator))
    return made


def dump_all(folder):
    """Writes them to the folder; paths by name. Every codec and protocol comes."""
    paths = {}
    turns = itertools.cycle(itertools.product(CODECS, PROTOCOLS))
    for name, estimator in estimators():
        forms = [(codec, protocol) for protocol in PROTOCOLS for codec in CODECS[:1]] + [next(turns)] if ALL else [next(turns), (0, 4)]
        for codec, protocol in forms:
            path = folder / f"{name}_{codec[0] if codec else 'raw'}{protocol}_model.joblib"
            try:
                joblib.dump(estimator, path, compress=codec, protocol=protocol)
            except Exception: # noqa: BLE001 - an estimator that cannot be pickled
                path.unlink(missing_ok=True)
                continue
            paths[path.name.removesuffix(".joblib")] = path
    return paths


def digest(model):
    """Of what a model is. An empty array of joblib.load has other strides than one of pickle: both through pickle first."""
    return joblib.hash(pickle.loads(pickle.dumps(model)))


def predictions(model):
    for method in ("predict", "transform"):
        if hasattr(model, method):
            for data in (X, FRAME, TEXTS):
                try:
                    return joblib.hash(getattr(model, method)(data))
                except Exception: # noqa: BLE001 - see fitted
                    continue
    return None
