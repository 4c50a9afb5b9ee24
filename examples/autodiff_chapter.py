# ruff: noqa: B015, B018 -- a cell ends with what it shows

# %% [markdown]
# # Chapter 5: Automatic Differentiation
#
# Calculating gradients by hand is tedious and error-prone. Automatic differentiation (autograd) can
# help us with this.
#
# - As we pass data through each successive function, the framework builds a computational graph that
#   tracks how each value depends on others.
# - To calculate derivatives, automatic differentiation works backwards through this graph applying the
#   chain rule.
# - The computational algorithm for applying the chain rule this way is called backpropagation.
#
# The chapter stands here twice: with Tensors, operation by operation as in PyTorch, and with functions
# under `@grad`, whose gradient is written out before they are called. Each cell ends with what it
# prints and shows.

# %%
import numpy as np

import srcgrad as sg

# %% [markdown]
# # Part one: Tensors
#
# ## 1. A Simple Function
#
# Assume we are interested in differentiating the function $y = 2x^{T}x$.
#
# Before calculating the gradient, we need a place to store it. We want to avoid allocating new memory
# every time we take a derivative, because in deep learning we compute derivatives very often and might
# just run out of memory.

# %%
x = sg.arange(4.0, requires_grad=True)  # Will build a computation graph
print(x)
x.grad  # Gradient is None by default
# Out: tensor([0., 1., 2., 3.], requires_grad=True)

# %%
# Compute function
y = 2 * sg.dot(x, x)
y
# Out: tensor(28., grad_fn=<MulBackward0>)

# %% [markdown]
# The derivative of $y = 2x^{T}x$ is given by $y' = 4x$.

# %%
# Access the gradient by calling backward method
y.backward()
x.grad  # gives you y'
# Out: tensor([ 0.,  4.,  8., 12.])

# %%
x.grad == 4 * x
# Out: tensor([True, True, True, True])

# %% [markdown]
# We have to reset the gradient first before we calculate the gradient of another function.

# %%
x
# Out: tensor([0., 1., 2., 3.], requires_grad=True)

# %%
x.grad.zero_()
y = x.sum()
y
# Out: tensor(6., grad_fn=<SumBackward0>)

# %%
y.backward()
x.grad
# Out: tensor([1., 1., 1., 1.])

# %% [markdown]
# ## 2. Backward for Non-Scalar Variables
#
# - Jacobian matrix: matrix that contains the partial derivatives of each component of y w.r.t. each
#   component of x.
# - We want to sum up the gradients of each component of y w.r.t. the full vector x. For example, when
#   we do batch gradient descent, we want to accumulate the gradients computed individually for each
#   sample.
# - Invoking `backward` on a non-scalar elicits an error unless we tell how to reduce the object to a
#   scalar.

# %%
x.grad.zero_()
y = x * x
y.backward(gradient=sg.ones(len(y)))
x.grad
# Out: tensor([0., 2., 4., 6.])

# %% [markdown]
# ## 3. Detaching Computation
#
# Given $z = x * y$ and $y = x * x$, if we want to focus on the direct influence of x on z rather than
# the influence conveyed via y, we need to detach the computation: $z = x * u$.

# %%
x.grad.zero_()
y = x * x
u = y.detach()
z = u * x

# %%
x
# Out: tensor([0., 1., 2., 3.], requires_grad=True)

# %%
y
# Out: tensor([0., 1., 4., 9.], grad_fn=<MulBackward0>)

# %%
u
# Out: tensor([0., 1., 4., 9.])

# %%
z
# Out: tensor([ 0.,  1.,  8., 27.], grad_fn=<MulBackward0>)

# %%
z.sum().backward()
x.grad
# Out: tensor([0., 1., 4., 9.])

# %% [markdown]
# # Part two: functions
#
# Under `@grad`, an ordinary NumPy function that is called with Tensors gives its value as a Tensor, and
# `backward()` runs the gradient that was generated from the function's source.
#
# ## 1. A Simple Function


# %%
@sg.grad
def twice_the_square(x):
    return 2 * np.dot(x, x)


# %%
x = sg.arange(4.0, requires_grad=True)
print(x)
x.grad
# Out: tensor([0., 1., 2., 3.], requires_grad=True)

# %%
y = twice_the_square(x)
y
# Out: tensor(28., grad_fn=<MulBackward0>)

# %%
y.backward()
x.grad
# Out: tensor([ 0.,  4.,  8., 12.])

# %%
x.grad == 4 * x
# Out: tensor([True, True, True, True])

# %%
x
# Out: tensor([0., 1., 2., 3.], requires_grad=True)


# %%
@sg.grad
def total(x):
    return x.sum()


x.grad.zero_()
y = total(x)
y
# Out: tensor(6., grad_fn=<SumBackward0>)

# %%
y.backward()
x.grad
# Out: tensor([1., 1., 1., 1.])

# %% [markdown]
# ## 2. Backward for Non-Scalar Variables


# %%
@sg.grad
def squares(x):
    return x * x


x.grad.zero_()
y = squares(x)
y.backward(gradient=sg.ones(len(y)))
x.grad
# Out: tensor([0., 2., 4., 6.])

# %% [markdown]
# ## 3. Detaching Computation


# %%
@sg.grad
def product(u, x):
    return u * x


x.grad.zero_()
y = squares(x)
u = y.detach()
z = product(u, x)

# %%
x
# Out: tensor([0., 1., 2., 3.], requires_grad=True)

# %%
y
# Out: tensor([0., 1., 4., 9.], grad_fn=<MulBackward0>)

# %%
u
# Out: tensor([0., 1., 4., 9.])

# %%
z
# Out: tensor([ 0.,  1.,  8., 27.], grad_fn=<MulBackward0>)

# %%
z.sum().backward()
x.grad
# Out: tensor([0., 1., 4., 9.])

# %% [markdown]
# Inside one function, `stop_gradient` detaches.


# %%
@sg.grad
def cubes(x):
    y = x * x
    u = sg.stop_gradient(y)
    return np.sum(u * x)


x.grad.zero_()
cubes(x).backward()
x.grad
# Out: tensor([0., 1., 4., 9.])
