"""Exact execution on an NVIDIA GPU: the same bits as on CPUs, and how quickly. One command.

    python -m tools.bench.gpu_evidence --out spec/evidence/gpu

Takes at most ten minutes (``--minutes``); what does not fit is left out and said so. Needs CUDA,
diffusers and ddcodec's other dependencies; Python 3.11 and torch 2.11 suffice. Writes
``evidence.json`` after every stage, ``evidence.md`` and the profiler's tables:

1. known answers: start-up tests of every back end, and the vectors of spec/exact.md;
2. identity: small networks of every family, the tiny prior and a U-Net of Stable Diffusion 1.5's
   size with random weights, on the GPU in several batch sizes and back ends, against digests made
   on CPUs (spec/vectors/exact/images.json, spec/evidence/identity-cpu.json, sd15-cpu.json);
3. speed: evaluations of U-Nets of SD 1.5's and SDXL-Turbo's size per second, exact profiles beside
   float16 and bfloat16, and where time goes.

``--cpu-digests`` writes spec/evidence/sd15-cpu.json (minutes, 4 GB; needs no GPU).
``--device cpu --quick`` runs everything on the CPU with small networks, to try the script. The exit
code is 1 if any digest differs.
"""
