"""From an artifact's sections to pictures: the few synthesis kinds, layouts and views.

``resample``, ``layout`` and ``views`` are integer arithmetic on uint8 pictures and need numpy
only; their rules are normative (``spec/synthesis.md``). Import the modules themselves: this
package re-exports nothing, so that reading a layout never loads a diffusion model.
"""
