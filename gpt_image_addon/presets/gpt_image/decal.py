import bpy

values = bpy.context.scene.gpt_image

values.target = "decal"
values.style = "none"
values.size = "usual"
values.quality = "medium"
values.background = "transparent"
values.n = 1
values.seamless = False
values.surface_words = True
values.output_format = "png"
values.partial_images = 0
values.displacement = "none"
values.mapping = "upright"
values.texture_size = 0.0
values.relief = 0.0
