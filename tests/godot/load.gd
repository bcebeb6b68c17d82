# Loads every material and scene below res://, and prints what it is, a line of JSON each.
extends SceneTree


func _init() -> void:
	look("res://")
	quit()


func look(folder: String) -> void:
	for name in DirAccess.get_directories_at(folder):
		if not name.begins_with("."):
			look(folder.path_join(name))
	for name in DirAccess.get_files_at(folder):
		var path := folder.path_join(name)
		if path.get_extension() in ["tres", "glb", "png"]:
			print("LOADED ", JSON.stringify(describe(path)))


func describe(path: String) -> Dictionary:
	var found = load(path)
	if found == null:
		return {"path": path, "class": ""}
	var told := {"path": path, "class": found.get_class()}
	if found is Texture2D:
		told["size"] = [found.get_width(), found.get_height()]
		told["mipmaps"] = found.get_image().has_mipmaps()
	if found is PackedScene:
		var root = found.instantiate()
		for mesh in root.find_children("*", "MeshInstance3D", true, false):
			for number in mesh.mesh.get_surface_count():
				var material = mesh.mesh.surface_get_material(number)
				told[mesh.name + " " + str(number)] = describe_material(material)
		root.free()
	if found is BaseMaterial3D:
		told.merge(describe_material(found))
	return told


func describe_material(material: BaseMaterial3D) -> Dictionary:
	var textures := []
	for slot in BaseMaterial3D.TEXTURE_MAX:
		var texture = material.get_texture(slot)
		if texture != null:
			textures.append([slot, texture.get_width(), texture.get_height()])
	return {
		"textures": textures,
		"normal": material.normal_enabled,
		"occlusion": material.ao_enabled,
		"scale": [material.uv1_scale.x, material.uv1_scale.y],
	}
