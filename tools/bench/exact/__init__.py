"""Speed, memory and quality of exact profiles beside float32 and bfloat16 on the same shapes.

    python -m tools.bench.exact --threads 1 --json exact.json
    python -m tools.bench.exact --parts sd15 --repeat 3
    python -m tools.bench.exact --parts tiny --profile-ops

Parts: ``tiny`` (the tiny prior: U-Net, decoder, whole images), ``sd15`` (one evaluation of a U-Net
of Stable Diffusion 1.5's size with random weights, and the peak memory of a process that does only
that), ``quality`` (signal to noise of one evaluation along real denoising, and of pictures).

Variants take turns within one run and medians are reported: quote ratios, not seconds. With one
thread, seconds are the processor's, so that other work on the machine matters less; with more they
are the wall clock's. bfloat16 is diffusers under autocast.
"""
