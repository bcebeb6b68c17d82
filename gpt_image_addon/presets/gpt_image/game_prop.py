import bpy

values = bpy.context.scene.gpt_image

values.target = "texture"
values.style = "hand_painted"
values.size = "2048x2048"
values.quality = "medium"
values.background = "auto"
values.n = 1
values.seamless = False
values.surface_words = True
values.output_format = "png"
values.partial_images = 0
values.displacement = "none"
values.mapping = "upright"
values.texture_size = 0.0
values.relief = 0.0
