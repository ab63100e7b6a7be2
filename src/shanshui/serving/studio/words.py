"""What the page says, in English and Chinese. The browser's language decides."""

from collections.abc import Mapping

import gradio as gr

ENGLISH, CHINESE = "en", "zh"

_SAID: Mapping[str, tuple[str, str]] = {
    "stylise": ("Stylise", "风格化"),
    "generate": ("Generate", "生成"),
    "compose": ("Compose", "合成"),
    "inpaint": ("Fill", "修补"),
    "train": ("Train", "训练"),
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
    "zones": ("Another style for sky, water, ...", "天空、水面等另用风格"),
    "as-elsewhere": ("as elsewhere", "与其他部分相同"),
    "as-photo": ("as the photo is", "保持照片原样"),
    "sky": ("sky", "天空"),
    "water": ("water", "水面"),
    "foliage": ("foliage", "植被"),
    "rock": ("rock", "岩石"),
    "built": ("built", "建筑"),
    "several": ("Several photos", "多张照片"),
    "more-photos": ("More photos, painted one after the other", "更多照片，依次绘制"),
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
    "controls": ("Change them by name", "按名称调整"),
    "way": ("On the way to another scene", "渐变到另一风景"),
    "goes": ("Show the way from this seed to another", "显示从此种子到另一种子的渐变"),
    "towards": ("The other seed", "另一个种子"),
    "naturalness": ("Naturalness: 0 is the painting, 1 a natural scene", "自然度：0 为画作，1 为自然风景"),
    "out-of-noise": ("Without a photo, a scene is made out of noise.", "不选照片时，由噪声生成一幅风景。"),
    "no-composer": ("No composer is installed.", "未安装合成模型。"),
    "no-inpainter": ("No inpainter is installed.", "未安装修补模型。"),
    "brush-hole": ("Brush over what is to be filled", "涂抹要修补的区域"),
    "expand": ("Extend the photo", "扩展画面"),
    "left": ("Pixels on the left", "左侧像素"),
    "right": ("Pixels on the right", "右侧像素"),
    "top": ("Pixels at the top", "上方像素"),
    "bottom": ("Pixels at the bottom", "下方像素"),
    "other-fill": ("Seed: another number, another fill", "种子：换一个数，换一种修补"),
    "fill": ("Fill", "开始修补"),
    "subject": ("What to learn", "学习内容"),
    "recipe": ("Recipe", "训练方案"),
    "data": ("Folder or archive of images, on this machine", "本机上的图片文件夹或压缩包"),
    "run": ("Folder for all that the training writes", "训练结果文件夹"),
    "images": ("Images to see; 0 is the recipe's number", "训练图片数；0 为方案默认值"),
    "start": ("Start", "开始"),
    "stop": ("Stop and save", "停止并保存"),
    "resume": ("Go on", "继续"),
    "said": ("What the training says", "训练信息"),
    "idle": ("No training yet.", "尚未训练。"),
    "learning": ("Learning.", "训练中。"),
    "learned": ("The training has ended and is saved.", "训练已结束并保存。"),
    "refused": ("It did not work: see below.", "未成功：见下方信息。"),
    "no-folders": ("Name both folders first.", "请先填写两个文件夹。"),
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
    return {name: pair[language == CHINESE] for name, pair in _SAID.items()}


WORDS = gr.I18n(**{ENGLISH: translations(ENGLISH), CHINESE: translations(CHINESE)})
"""All words, for labels that follow the browser's language."""


def language_of(accepted: str) -> str:
    """The better of our languages for a browser that sends this `Accept-Language`."""
    return CHINESE if accepted.strip().lower().startswith("zh") else ENGLISH


def told(language: str, name: str, **values: object) -> str:
    """One sentence with its values filled in."""
    return translations(language)[name].format(**values)
