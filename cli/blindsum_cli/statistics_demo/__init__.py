"""The demo of statistics: four hospitals count their patients, with noise or none."""
