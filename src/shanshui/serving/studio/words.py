"""What the page says, in English and Chinese. The browser's language decides."""

from collections.abc import Mapping

ENGLISH, CHINESE = "en", "zh"

WORDS: Mapping[str, tuple[str, str]] = {
    "stylise": ("Stylise", "风格化"),
    "generate": ("Generate", "生成"),
    "models": ("Models", "模型"),
    "photo": ("Your photo", "照片"),
    "styles": ("Styles, on your photo: choose one", "各种风格的效果：请选择"),
    "style": ("Style", "风格"),
    "strength": ("Strength: 0 is the photo, 1 the painting", "强度：0 为照片，1 为画作"),
    "colours": ("Colours", "色彩"),
    "of-painting": ("of the painting", "画作的色彩"),
    "of-photo": ("of the photo at each place", "照片各处的色彩"),
    "of-photo-whole": ("of the photo on the whole", "照片整体的色彩"),
    "stroke": ("Size of the strokes", "笔触大小"),
    "skies": ("Keep skies even", "保持天空平整"),
    "where": ("Paint only some places", "只处理部分区域"),
    "brush": ("Brush over the places to paint; without a stroke all is painted", "涂抹要处理的区域；不涂则处理整张"),
    "paint": ("Paint", "开始绘制"),
    "cancel": ("Cancel", "取消"),
    "standing": ("State", "状态"),
    "result": ("Before and after: move the line", "前后对比：拖动分界线"),
    "download": ("Download", "下载"),
    "history": ("What you made", "历史"),
    "address": ("These settings as an address", "当前设置的网址"),
    "model": ("Model", "模型"),
    "seed": ("Seed: another number, other scenes", "种子：换一个数，换一批景"),
    "count": ("How many", "数量"),
    "truncation": ("Variety: 0 makes all alike", "多样性：0 则全部相同"),
    "width": ("Width in pixels; 0 is that of the model", "宽度（像素）；0 为模型本身的宽度"),
    "wrap": ("Join the right edge to the left", "左右相接"),
    "make": ("Make scenes", "生成风景"),
    "scenes": ("Scenes: choose one to send it to Stylise", "风景：选择一张送去风格化"),
    "no-photo": ("Choose a photo first.", "请先选择照片。"),
    "waiting": ("Waiting: number {position} in the queue.", "排队中：第 {position} 位。"),
    "running": ("Working: {done} of {total}.", "进行中：{done} / {total}。"),
    "done": ("Done in {seconds:.1f} s.", "完成，用时 {seconds:.1f} 秒。"),
    "failed": ("It did not work: {error}", "未成功：{error}"),
    "cancelled": ("Cancelled.", "已取消。"),
}


def translations(language: str) -> dict[str, str]:
    """All words in one language."""
    return {name: pair[language == CHINESE] for name, pair in WORDS.items()}


def language_of(accepted: str) -> str:
    """The better of our languages for a browser that sends this `Accept-Language`."""
    return CHINESE if accepted.strip().lower().startswith("zh") else ENGLISH


def told(language: str, name: str, **values: object) -> str:
    """One sentence with its values filled in."""
    return translations(language)[name].format(**values)
