"""Batch norm of processes that learn together is that of one process with all images."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier, Thread

import pytest
import torch
from torch import Tensor

from shanshui.networks.batch_norm import BatchNorm2d
from shanshui.together import Share, own, sharing


class Meeting:
    """Adds up what two threads give, as `all_reduce` does for two processes."""

    def __init__(self) -> None:
        self._given: list[Tensor] = []
        self._total = torch.zeros(())
        self._barrier = Barrier(2, self._sum)

    def add_up(self, tensor: Tensor) -> None:
        self._given.append(tensor.clone())
        self._barrier.wait(30)
        tensor.copy_(self._total)

    def _sum(self) -> None:
        self._total = torch.stack(self._given).sum(0)
        self._given.clear()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_two_processes_normalise_as_one(
    dtype: torch.dtype, tolerance: float, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    images, slopes = torch.randn(2, 6, 5, 4, 7) * 2 + torch.linspace(-3, 3, 5)[:, None, None]
    alone = BatchNorm2d(5)
    torch.nn.init.normal_(alone.weight)
    pair = [deepcopy(alone), deepcopy(alone)]
    inputs = images.clone().requires_grad_()
    made = alone(inputs)
    made.backward(slopes)

    monkeypatch.setattr("shanshui.together._add_up", Meeting().add_up)

    def learn(rank: int) -> tuple[Tensor, Tensor]:
        with sharing(Share(rank=rank, processes=2)):
            mine = own(images).to(dtype, memory_format=layout).requires_grad_()
            answer = pair[rank](mine)
            slope = own(slopes).to(dtype)
        # Where there is a graphics card, PyTorch computes slopes in a thread of its own.
        elsewhere = Thread(target=answer.backward, args=(slope,))
        elsewhere.start()
        elsewhere.join()
        assert mine.grad is not None and answer.dtype == mine.grad.dtype == dtype
        return answer.detach().float(), mine.grad.float()

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(learn, range(2)))
    for rank, (answer, slope) in enumerate(told):
        torch.testing.assert_close(answer, made.detach()[rank::2], atol=tolerance, rtol=tolerance)
        assert inputs.grad is not None
        torch.testing.assert_close(slope, inputs.grad[rank::2], atol=tolerance, rtol=tolerance)
    for name, parameter in alone.named_parameters():
        grads = [dict(part.named_parameters())[name].grad for part in pair]
        assert parameter.grad is not None and grads[0] is not None and grads[1] is not None
        torch.testing.assert_close(grads[0] + grads[1], parameter.grad, atol=10 * tolerance, rtol=tolerance)
    for part in pair:
        for name, buffer in alone.named_buffers():
            torch.testing.assert_close(dict(part.named_buffers())[name], buffer, atol=tolerance, rtol=tolerance)
