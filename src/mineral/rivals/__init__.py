"""Other libraries' estimators, each a script that runs in an environment of its own.

Nothing here is imported by the rest of Mineral, except the loop `serve`, and nothing here imports
Mineral: a script is in the folder of `serve.py` and needs NumPy and its own library.

serve.py         a worker's side of the benchmark's protocol
benchmark_mi.py, ennemi.py, infomeasure.py, latentmi.py, npeet.py, scikit_learn.py, torch_mist.py
                 one library each
"""

RIVALS = {
    "benchmark-mi": "benchmark_mi.py",
    "ennemi": "ennemi.py",
    "infomeasure": "infomeasure.py",
    "latentmi": "latentmi.py",
    "npeet": "npeet.py",
    "scikit-learn": "scikit_learn.py",
    "torch-mist": "torch_mist.py",
}
"""Other libraries that come with a script, by name."""
