"""A network as a device runs it: operators, a memory plan, and the bytes of RAM and flash before anything is converted.

The runtime is tflite-micro, the model file one of TensorFlow's converter.  Data flows in this order::

    Graph ──lowering──▶ DeviceGraph ──scratch, planner──▶ Plan ──parts──▶ Deployment ──▶ views, checks, suggestions

Every number from other programs is in :mod:`cnncalc.deployment.constants`, with its source.
"""
