import bpy

values = bpy.context.scene.gpt_image

values.target = "image"
values.style = "none"
values.size = "1536x1024"
values.quality = "medium"
values.background = "auto"
values.n = 1
values.seamless = False
values.surface_words = True
values.output_format = "png"
values.partial_images = 2
values.displacement = "none"
values.mapping = "upright"
values.texture_size = 0.0
values.relief = 0.0
values.references.clear()
values.references.add().kind = "viewport"
