"""Pictures; needs matplotlib."""


def plot_history(*models, column="rel_l2", axes=None):
    """Loss and one column of the validation against the step, of one or several models; returns the axes"""
    import matplotlib.pyplot as plt

    axes = axes or plt.subplots()[1]
    for model in models:
        loss, = axes.semilogy(model.history["step"], model.history["loss"], alpha=0.4, label=f"{model.path}: loss")
        if column in model.validation and len(model.validation[column]):
            axes.semilogy(model.validation["step"], model.validation[column], "o-", ms=3, color=loss.get_color(), label=f"{model.path}: {column}")
    axes.set_xlabel("step")
    axes.legend()
    return axes
