"""Moving answers in and out: prompt/answer pairs of many shapes become stored answers, the store becomes files."""
