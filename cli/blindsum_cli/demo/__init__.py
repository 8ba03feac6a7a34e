"""The demo: four hospitals train one heart-disease model through the seals."""
