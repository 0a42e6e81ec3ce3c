"""May a stored answer be served? The cache's decisions on labelled pairs, request streams and conversations."""
